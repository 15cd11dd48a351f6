"""Malformed, out-of-order and stale requests, many of them, to a program that goes on and stops meanwhile.

``ASYNCTB_FUZZ_REQUESTS`` says how many (default 2,000), ``ASYNCTB_FUZZ_SEED`` which.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any, Dict, List

import pytest
from debugging import TIMEOUT, debug
from interpreters import find_interpreters

from dap_extension.client._session.dap import RequestFailed
from dap_extension.client._session.shapes import expand_stacks
from dap_extension.protocol import COMMANDS, CONFIGURE, ERROR_IDS, HANDSHAKE, SNAPSHOT, STACKS, split_error_message

REQUESTS = int(os.environ.get("ASYNCTB_FUZZ_REQUESTS", "2000"))
SEED = int(os.environ.get("ASYNCTB_FUZZ_SEED", "0"))
CASES = Path(__file__).parent.parent / "protocol_cases"
STANDARD = ("scopes", "variables", "evaluate", "stackTrace", "setVariable", "completions", "source")


class Generator:
    """Makes up requests, some of which mean something."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.snapshot_ids: List[Any] = []
        self.activity_ids: List[Any] = ["thread-1", "task-1", "", "x" * 300]
        self.frame_ids: List[Any] = []
        self.values = [
            value
            for path in sorted(CASES.glob("*_arguments.json"))
            for sort, cases in json.loads(path.read_text(encoding="utf-8")).items()
            if sort != "type"
            for value in [case["value"] for case in cases]
        ]

    def value(self, depth: int = 0) -> Any:
        """Return anything that JSON can express."""
        choose = self.random.choice
        kind = self.random.randrange(12 if depth < 4 else 9)
        if kind == 0:
            return None
        if kind == 1:
            return choose([True, False])
        if kind == 2:
            return choose([0, -1, 1, 2**31, 2**53, -(2**63), 10**100, self.random.getrandbits(48)])
        if kind == 3:
            return choose([0.5, -0.0, 1e308, float("nan"), float("inf"), -float("inf")])
        if kind == 4:
            return choose(["", "a", "\0", "\ud800", "😀" * 50, "x" * self.random.choice([10, 10_000]), "__class__"])
        if kind == 5:
            return choose(self.snapshot_ids or [0])
        if kind == 6:
            return choose(self.activity_ids)
        if kind == 7:
            return choose(self.frame_ids or [0])
        if kind == 8:
            return choose(self.values)
        if kind == 9:
            return [self.value(depth + 1) for _ in range(self.random.choice([0, 1, 3, 1000 if depth == 0 else 2]))]
        if kind == 10:
            nested: Any = self.value(depth + 1)
            for _ in range(self.random.choice([1, 5, 100])):
                nested = [nested] if self.random.random() < 0.5 else {"nested": nested}
            return nested
        names = ["snapshotId", "start", "count", "activityIds", "client", "callStack", "enabled", "limit", "frameId"]
        return {choose(names): self.value(depth + 1) for _ in range(self.random.randrange(4))}

    def arguments(self, command: str) -> Any:
        choose, chance = self.random.choice, self.random.random
        if chance() < 0.3:
            return self.value()
        if command == SNAPSHOT:
            fields: Dict[str, Any] = {"snapshotId": choose(self.snapshot_ids or [1]), "start": choose([0, 1, 5, 10**6])}
            fields["count"] = choose([1, 2, 1000])
            if chance() < 0.4:
                fields = {}
        elif command == STACKS:
            ids = [choose(self.activity_ids) for _ in range(self.random.randrange(5))]
            fields = {"snapshotId": choose(self.snapshot_ids or [1]), "activityIds": ids}
        elif command == CONFIGURE:
            fields = {"callStack": {"enabled": choose([True, False]), "limit": choose([1, 10, 100])}}
        else:
            fields = {"client": "fuzz"}
        if fields and chance() < 0.3:
            fields[choose(list(fields))] = self.value()
        return fields

    def learn(self, command: str, body: Any) -> None:
        """Remember identifiers of an answer, for later requests."""
        if "text" in body:
            body = json.loads(body["text"])
        if command == SNAPSHOT:
            self.snapshot_ids = [*self.snapshot_ids[-20:], body["snapshotId"]]
            self.activity_ids = [*self.activity_ids[-50:], *(activity["id"] for activity in body["activities"])]
        elif command == STACKS:
            for entry in expand_stacks(body):
                frames = entry["stack"]["frames"] if "stack" in entry else ()
                self.frame_ids = [*self.frame_ids[-20:], *(frame["frameId"] for frame in frames if "frameId" in frame)]

    def standard(self, thread_ids: List[int]) -> Any:
        """Return a standard request that refers to something that may be gone."""
        command = self.random.choice(STANDARD)
        # No thread's id (1): taken for a frame's, it ends the session of debugpy 1.6.7, with and without the helper.
        number = self.random.choice([*self.frame_ids, 0, 12345])
        return command, {
            "scopes": {"frameId": number},
            "variables": {"variablesReference": number},
            "evaluate": {"expression": "event", "frameId": number, "context": "watch"},
            "stackTrace": {"threadId": self.random.choice([*thread_ids, 1])},
            "setVariable": {"variablesReference": number, "name": "nothing", "value": "1"},
            "completions": {"frameId": number, "text": "ev", "column": 3},
            "source": {"sourceReference": number},
        }[command]


@pytest.mark.parametrize("interpreter", find_interpreters(), ids=lambda interpreter: str(interpreter.name))
def test_fuzz(interpreter: Any) -> None:
    generator = Generator(f"{SEED} {interpreter.name}")  # others for each
    choose, chance = generator.random.choice, generator.random.random
    with debug("fuzzed.py", interpreter.path) as debuggee:
        debuggee.run_to("cycle")
        debuggee.bootstrap()
        client = debuggee.session.client
        paused = True
        thread_ids: List[int] = [1]
        sent = 0
        while sent < REQUESTS:
            pending = []
            # Several under way at once, with the program going on between them.
            for _ in range(choose([1, 1, 5, 20])):
                command = choose(COMMANDS)
                pending.append(client.send(command, generator.arguments(command)))
                if chance() < 0.2 and generator.frame_ids:
                    pending.append(client.send(*generator.standard(thread_ids)))
                if chance() < 0.05:
                    pending.append(client.send("threads"))
                if paused and chance() < 0.1:
                    pending.append(client.send("continue", {"threadId": thread_ids[0]}))
                    paused = False
            sent += len(pending)
            for request in pending:
                try:
                    body = request.wait(TIMEOUT)
                except RequestFailed as error:
                    code, text = split_error_message(str(error.response.get("message")))
                    if request.command in COMMANDS:
                        assert code in ERROR_IDS, (request.command, text)
                        assert code != "internal", text
                else:
                    generator.learn(request.command, body)
                    if request.command == "threads":
                        thread_ids = [thread["id"] for thread in body["threads"]][:50]
            if not paused:
                debuggee.wait_for_stop()
                paused = True
        debuggee.ask(CONFIGURE, {"callStack": {"enabled": False}})
        assert debuggee.ask(HANDSHAKE)["processId"] == debuggee.session.process_id
        assert len(debuggee.snapshot()[1]) == 7
        debuggee.request("evaluate", {"expression": "__import__('__main__').stop()"})
        assert debuggee.finish() == 0
        assert debuggee.output["stdout"] == "stopped\n"
        assert debuggee.output["stderr"] == ""
