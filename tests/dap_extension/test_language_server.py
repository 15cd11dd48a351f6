"""The language server as an editor has it: what it shows of a snapshot, and that nothing takes the session down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from commands import REPOSITORY, environment
from language_client import COMMAND, EDITORS, TIMEOUT, Editor, editor, serving, snapshot_of
from lsprotocol import types

from dap_extension.language_server._answers import Answers
from dap_extension.language_server._placing import Placement, fits
from dap_extension.snapshot_files.reading import check_document

PROGRAM = """\
import asyncio
import sys

import asynctb


class Pay:
    async def transfer(self, first, second):
        async with first:
            await asyncio.sleep(0)
            print("grüße 😀", await self.take(second))  # @call

    async def take(self, lock):
        async with lock as taken:  # @take
            return taken


async def idle(items):
    while True:
        await items.get()  # @idle


async def never():
    pass


async def main():
    left, right, items = asyncio.Lock(), asyncio.Lock(), asyncio.Queue()
    pay = Pay()
    tasks = [
        asyncio.create_task(pay.transfer(left, right), name="left"),
        asyncio.create_task(pay.transfer(right, left), name="right"),
        *[asyncio.create_task(idle(items), name=f"idle-{number}") for number in range(5)],
    ]
    tasks.append(asyncio.create_task(outer(tasks[2]), name="outer"))
    while not (left._waiters and right._waiters and items._getters and len(tasks[2]._callbacks or ()) > 0):
        await asyncio.sleep(0)
    asynctb.snapshot().save(sys.argv[1])  # @save
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def outer(task):
    await task  # @outer


asyncio.run(main())  # @run
"""


def line_of(mark: str) -> int:
    return next(number for number, text in enumerate(PROGRAM.splitlines(), 1) if text.endswith(f"# @{mark}"))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, Path]:
    """Return a program, and a snapshot of it."""
    folder = tmp_path_factory.mktemp("app")
    program = PROGRAM.replace("len(tasks[2]._callbacks or ()) > 0", "tasks[-1]._fut_waiter is not None")
    return folder / "app.py", snapshot_of(program, folder)


@pytest.mark.parametrize("name", EDITORS)
def test_what_is_shown(app: Tuple[Path, Path], name: str) -> None:
    async def test() -> None:
        source, snapshot = app
        async with serving(EDITORS[name]) as used:
            uri = used.open(source)
            assert (await used.hints(uri), await used.lenses(uri)) == ({}, {})
            used.paused(snapshot)
            await used.wait_for(lambda: used.diagnostics.get(uri) and len(used.refreshed) == 2)
            hints = await used.hints(uri)
            assert hints[line_of("take")] == "⏸ left, right wait for lock, 2 deadlocked"
            assert hints[line_of("call")] == "↳ left, right wait for lock, 2 deadlocked"
            assert hints[line_of("idle")] == "⏸ idle-0, idle-1, idle-2 and 2 more wait for item of a queue (empty)"
            assert hints[line_of("outer")] == "⏸ outer waits for task idle-0"
            assert set(await used.hints(uri, line_of("idle") - 1, line_of("idle") - 1)) == {line_of("idle")}
            lenses = await used.lenses(uri)
            titles = {line: each.command.title for line, each in lenses.items() if each.command is not None}
            assert titles[line_of("take") - 1] == "2 tasks suspended here, 2 deadlocked"
            assert titles[8] == "2 tasks suspended here, 2 deadlocked"
            assert titles[line_of("idle") - 2] == "5 tasks suspended here"
            command = lenses[line_of("idle") - 2].command
            assert command is not None
            listed = await used.execute(command.command, *(command.arguments or ()))
            assert listed.splitlines()[0] == "Task idle-0  waits for item of a queue (empty)"
            await used.wait_for(lambda: used.messages == [listed])
            ids = {each["id"]: each["name"] for each in json.loads(snapshot.read_text())["activities"]}
            members = await used.execute("asynctb.members", *(command.arguments or ()))
            assert sorted(ids[each] for each in members) == [f"idle-{number}" for number in range(5)]
            assert await used.execute("asynctb.members", "one", uri, 1) == []
            assert await used.execute("asynctb.members", "two", uri, line_of("idle") - 1) == []
            # Diagnostics: two steps, each with the other.
            found = used.diagnostics[uri]
            assert {each.range.start.line + 1 for each in found} == {line_of("take")}
            assert found[0].severity == types.DiagnosticSeverity.Warning
            assert found[0].message.startswith("Deadlock: task left waits for lock at app.py:")
            assert (found[0].code, found[0].source) == ("deadlock", "asynctb")
            assert [each.location.uri for each in found[0].related_information or ()] == [uri]
            used.notify("asynctb/resumed", {"sessionId": "one"})
            await used.wait_for(lambda: not used.diagnostics[uri])
            assert (await used.hints(uri), await used.lenses(uri)) == ({}, {})

    asyncio.run(test())


def test_a_hint_says_who_holds_it(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        document = json.loads(snapshot.read_text())
        for activity in document["activities"]:
            if activity["name"] == "right":
                del activity["stack"]
        async with serving() as used:
            uri = used.open(source)
            used.notify("asynctb/paused", {"sessionId": "one", "snapshot": document})
            hints = await used.hints(uri)
            assert hints[line_of("take")] == "⏸ left waits for lock, held by right, deadlocked"

    asyncio.run(test())


def test_a_session_that_has_ended_is_forgotten(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        later = json.loads(snapshot.read_text())
        later["time"] = "2099-01-01T00:00:00+00:00"
        async with serving() as used:
            uri = used.open(source)
            for ended in (False, True):
                used.paused(snapshot)
                used.notify("asynctb/resumed", {"sessionId": "one", "ended": ended})
                used.notify("asynctb/paused", {"sessionId": "one", "snapshot": later})
                hover = text_of(await used.hover(uri, line_of("outer")))
                assert (" UTC at least" in hover) is not ended
                used.notify("asynctb/resumed", {"sessionId": "one", "ended": True})

    asyncio.run(test())


def text_of(hover: Any) -> str:
    assert hover is not None
    assert isinstance(hover.contents, types.MarkupContent)
    return hover.contents.value


def test_hovers(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        async with serving() as used:
            uri = used.open(source)
            used.paused(snapshot)
            hover = text_of(await used.hover(uri, line_of("take")))
            assert hover.startswith("```text\n")
            assert "2 tasks suspended here, 2 deadlocked:" in hover
            assert "Task left  waits for lock, held by right since app.py:9" in hover
            assert "Deadlock: task left waits for lock" in hover
            assert "with Lock (locked, 1 waiting)" in hover
            assert "app.py:11" in hover, "the stack"
            # The item of a block, which nothing stands at.
            lock = text_of(await used.hover(uri, 9, 20))
            assert "inside: Task left" in lock
            assert "waited for by: right, left" in lock or "waited for by: left, right" in lock
            outer = text_of(await used.hover(uri, line_of("outer")))
            assert "Task outer  waits for task idle-0" in outer
            assert await used.hover(uri, 1) is None
            assert await used.hover(uri, 1000) is None
        async with serving(editor(markdown=False)) as used:
            uri = used.open(source)
            used.paused(snapshot)
            assert text_of(await used.hover(uri, line_of("outer"))).startswith("1 task suspended here:")

    asyncio.run(test())


def test_since_when(app: Tuple[Path, Path], tmp_path: Path) -> None:
    async def test() -> None:
        source, snapshot = app
        later = json.loads(snapshot.read_text())
        then, later["time"] = later["time"], "2100-01-01T00:00:00+00:00"
        (tmp_path / "later.json").write_text(json.dumps(later))
        async with serving() as used:
            uri = used.open(source)
            used.paused(snapshot)
            assert "at least" not in text_of(await used.hover(uri, line_of("outer")))
            used.notify("asynctb/resumed", {"sessionId": "one"})
            used.paused(tmp_path / "later.json")
            assert f"since {then[11:19]} UTC at least" in text_of(await used.hover(uri, line_of("outer")))

    asyncio.run(test())


def test_symbols_references_and_calls(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        async with serving() as used:
            client = used.client
            uri = used.open(source)
            used.paused(snapshot)
            found: Any = await client.workspace_symbol_async(types.WorkspaceSymbolParams("IDLE-"))
            assert [each.name for each in found] == [f"idle-{number}" for number in range(5)]
            assert {(each.location.uri, each.location.range.start.line + 1) for each in found} == {
                (uri, line_of("idle"))
            }
            document = types.TextDocumentIdentifier(uri)
            context = types.ReferenceContext(include_declaration=False)
            # After characters of which each counts as two.
            call_at = types.Position(line_of("call") - 1, PROGRAM.splitlines()[10].index("take") + 2)
            for position in (types.Position(line_of("take") - 2, 15), call_at):
                where = types.ReferenceParams(context, document, position)
                places = await client.text_document_references_async(where)
                assert [each.range.start.line + 1 for each in places or ()] == [line_of("take")]
            prepare = types.CallHierarchyPrepareParams(document, types.Position(line_of("outer") - 1, 0))
            (item,) = await client.text_document_prepare_call_hierarchy_async(prepare) or ()
            assert item.name == "outer"
            (call,) = (
                await client.call_hierarchy_outgoing_calls_async(types.CallHierarchyOutgoingCallsParams(item)) or ()
            )
            assert call.to.name == "idle-0"
            (back,) = (
                await client.call_hierarchy_incoming_calls_async(types.CallHierarchyIncomingCallsParams(call.to)) or ()
            )
            assert back.from_.name == "outer"
            # Who holds the lock that one waits for.
            prepare = types.CallHierarchyPrepareParams(document, types.Position(line_of("take") - 1, 0))
            items = await client.text_document_prepare_call_hierarchy_async(prepare) or ()
            assert sorted(each.name for each in items) == ["left", "right"]
            (call,) = (
                await client.call_hierarchy_outgoing_calls_async(types.CallHierarchyOutgoingCallsParams(items[0])) or ()
            )
            assert call.to.name == items[1].name

    asyncio.run(test())


def test_commands(app: Tuple[Path, Path], tmp_path: Path) -> None:
    async def test() -> None:
        source, snapshot = app
        async with serving() as used:
            uri = used.open(source)
            assert await used.execute("asynctb.why") == "There is no snapshot."
            text = await used.execute("asynctb.open", str(snapshot))
            assert text.startswith("Deadlock: ")
            assert line_of("take") in await used.hints(uri)
            assert await used.execute("asynctb.why") == text
            for wrong in (str(tmp_path / "no"), str(tmp_path), str(source), 7, None, "a\0b"):
                assert "cannot be shown" in await used.execute("asynctb.open", wrong)
            assert "cannot be shown" in await used.execute("asynctb.open")
            assert await used.execute("asynctb.list", "one", uri, 3) == "The program goes on."
            assert await used.execute("asynctb.list", [], {}, None) == "The program goes on."
            assert line_of("take") in await used.hints(uri)

    asyncio.run(test())


def test_several_sessions(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        async with serving() as used:
            uri = used.open(source)
            used.paused(snapshot, "one")
            used.notify("asynctb/paused", {"sessionId": "two", "snapshot": json.loads(snapshot.read_text())})
            wanted = types.Range(types.Position(0, 0), types.Position(1000, 0))
            params = types.InlayHintParams(types.TextDocumentIdentifier(uri), wanted)
            both = await used.client.text_document_inlay_hint_async(params) or ()
            used.notify("asynctb/resumed", {"sessionId": "one"})
            assert len(await used.client.text_document_inlay_hint_async(params) or ()) == len(both) / 2 > 0
            used.notify("asynctb/resumed", {"sessionId": "two"})
            assert not await used.client.text_document_inlay_hint_async(params)

    asyncio.run(test())


def test_options(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        off = {"lenses": False, "hints": False, "hovers": False, "diagnostics": False, "maps": 3, "other": []}
        async with serving(options=off) as used:
            uri = used.open(source)
            used.paused(snapshot)
            assert (await used.hints(uri), await used.lenses(uri)) == ({}, {})
            assert await used.hover(uri, line_of("take")) is None
            assert used.diagnostics == {uri: []}
            assert await used.client.workspace_symbol_async(types.WorkspaceSymbolParams("left"))

    asyncio.run(test())


def test_files_of_another_machine(app: Tuple[Path, Path], tmp_path: Path) -> None:
    async def test() -> None:
        source, snapshot = app
        remote = tmp_path / "remote.json"
        remote.write_text(snapshot.read_text().replace(str(source.parent), "/srv/app"))
        async with serving(options={"maps": {"/srv/app": str(source.parent)}}) as used:
            uri = used.open(source)
            used.paused(remote)
            assert line_of("take") in await used.hints(uri)

    asyncio.run(test())


# Positions


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_columns(app: Tuple[Path, Path], encoding: str) -> None:
    async def test() -> None:
        source, snapshot = app
        document = json.loads(snapshot.read_text())
        # A step at the call, which stands behind characters that are counted in different ways.
        location = next(
            frame["location"]
            for shape in document["shapes"]
            for frame in shape["frames"]
            if frame["location"].get("line") == line_of("call")
        )
        document["findings"][0]["steps"][0]["location"] = location
        text = PROGRAM.splitlines()[line_of("call") - 1]
        expression = "await self.take(second)"
        before = text[: text.index(expression)]
        units = {"utf-8": before.encode(), "utf-16": before.encode("utf-16-le")[::2], "utf-32": before}
        async with serving(editor(encoding)) as used:
            assert used.capabilities is not None
            assert used.capabilities.position_encoding == encoding
            uri = used.open(source)
            used.notify("asynctb/paused", {"sessionId": "one", "snapshot": document})
            await used.wait_for(lambda: used.diagnostics.get(uri))
            found = next(each for each in used.diagnostics[uri] if each.range.start.line == line_of("call") - 1)
            if sys.version_info >= (3, 11):
                start = len(units[encoding])
                assert found.range.start.character == start
                assert found.range.end.character == start + len(expression)

    asyncio.run(test())


def test_unsaved_edits(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        text = source.read_text(encoding="utf-8")
        async with serving() as used:
            uri = used.open(source)
            used.paused(snapshot)
            # Lines above: everything moves.
            used.change(uri, "# one\r\n# two\r\n" + text.replace("\n", "\r\n"))
            hints = await used.hints(uri)
            assert hints[line_of("take") + 2].startswith("⏸ left")
            assert used.diagnostics[uri][0].range.start.line + 1 == line_of("take") + 2
            assert line_of("take") + 1 in await used.lenses(uri)
            # The line itself: nothing is there any more, and the others stay.
            used.change(uri, text.replace("async with lock as taken:", "async with lock as took:"), 3)
            hints = await used.hints(uri)
            assert line_of("take") not in hints
            assert line_of("idle") in hints
            await used.wait_for(lambda: not used.diagnostics[uri])
            # A copy of it: nothing tells which is which.
            copied = text.replace("        await items.get()  # @idle\n", "        await items.get()  # @idle\n" * 2)
            used.change(uri, copied, 4)
            hints = await used.hints(uri)
            assert not {line_of("idle"), line_of("idle") + 1} & set(hints)
            assert line_of("take") in hints
            # Taken back.
            used.change(uri, text, 5)
            assert set(await used.hints(uri)) >= {line_of("take"), line_of("idle"), line_of("outer")}
            used.change(uri, "", 6)
            assert await used.hints(uri) == {}
        # It had been edited before the program stopped.
        async with serving() as used:
            uri = used.open(source, "\n\n" + text)
            used.paused(snapshot)
            assert (await used.hints(uri))[line_of("take") + 2].startswith("⏸ left")

    asyncio.run(test())


def random_edits(lines: List[str]) -> Iterator[List[str]]:
    for index in range(len(lines)):
        yield [*lines[:index], "new", *lines[index:]]
        yield [*lines[:index], *lines[index + 1 :]]
        yield [*lines[:index], "other", *lines[index + 1 :]]
        yield [*lines[:index], lines[index], *lines[index:]]
        for other in range(len(lines)):
            yield [*lines[:other], lines[index], *lines[other:]]
        yield [*lines[index:], *lines[:index]]


def test_lines_are_placed_rightly_or_not_at_all() -> None:
    """Each line has an identity of its own here, which the text does not show."""
    original = ["def f():", "  await x", "  await y", "def g():", "  await x", "  await z", "  await z", "end"]
    recorded = dict(enumerate(original, 1))
    placed = 0
    for edited in random_edits([f"{number}|{text}" for number, text in recorded.items()]):
        current = [each.partition("|")[2] or each for each in edited]
        placement = Placement(recorded, original, current)
        for number, text in recorded.items():
            line = placement.line_of(number)
            if line is not None:
                placed += 1
                assert current[line - 1] == text
                assert edited[line - 1] == f"{number}|{text}", (edited, number, line)
    assert placed > 200
    assert fits(original, recorded)
    assert not fits(original[1:], recorded)
    unknown = Placement({2: "  await x", 3: "  await y"}, None, original)
    assert (unknown.line_of(2), unknown.line_of(3)) == (None, 3)


# Harm


def test_bad_notifications_do_no_harm(app: Tuple[Path, Path], tmp_path: Path) -> None:
    async def test() -> None:
        source, snapshot = app
        document = json.loads(snapshot.read_text())
        deep: Any = []
        for _ in range(400):
            deep = [deep]
        async with serving() as used:
            uri = used.open(source)
            notifications: List[Any] = [
                None,
                [],
                7,
                {},
                {"sessionId": 7},
                {"sessionId": "x"},
                {"sessionId": "x", "path": 7},
                {"sessionId": "x", "path": str(tmp_path / "no")},
                {"sessionId": "x", "path": str(source)},
                {"sessionId": "x", "path": "/dev/zero"},
                {"sessionId": "x", "snapshot": None},
                {"sessionId": "x", "snapshot": {**document, "version": 9}},
                {"sessionId": "x", "snapshot": {**document, "activities": [{}]}},
                {"sessionId": "x", "snapshot": {**document, "extra": deep}},
                {"sessionId": "x", "snapshot": {**document, "shapes": []}},
            ]
            for params in notifications:
                used.notify("asynctb/paused", params)
                used.notify("asynctb/resumed", params)
                used.notify("asynctb/unknown", params)
            used.paused(snapshot)
            assert line_of("take") in await used.hints(uri)
            assert any("newer asynctb" in each for each in used.log)
            # What is wrong does not leave the old one there, which is of another moment.
            used.notify("asynctb/paused", {"sessionId": "one", "snapshot": {}})
            assert await used.hints(uri) == {}

    asyncio.run(test())


def test_hostile_names(app: Tuple[Path, Path], tmp_path: Path) -> None:
    async def test() -> None:
        source, snapshot = app
        evil = "```\n![x](http://example.invalid/x)\x1b[2J<img src=x>"
        text = snapshot.read_text().replace('"name":"left"', f'"name":{json.dumps(evil)}')
        path = tmp_path / "evil.json"
        path.write_text(text.replace('"wait', '"wait'))
        async with serving() as used:
            uri = used.open(source)
            used.paused(path)
            hover = text_of(await used.hover(uri, line_of("take")))
            assert hover.startswith("````text\n")
            assert hover.endswith("\n````")
            assert "\x1b" not in hover
            hints = await used.hints(uri)
            assert not any("\n" in each or "\x1b" in each for each in hints.values())

    asyncio.run(test())


def test_what_is_no_message(app: Tuple[Path, Path]) -> None:
    """Bytes that no client of ours could send."""

    async def test() -> None:
        source, snapshot = app
        async with serving() as used:
            uri = used.open(source)
            used.paused(snapshot)
            server = used.client._server
            assert server is not None
            assert server.stdin is not None
            start = b'{"jsonrpc":"2.0","method":"asynctb/paused","params":'
            for body in (
                b"[" * 100_000,
                start + b"[" * 100_000 + b"]" * 100_000 + b"}",
                start + b"9" * 5000 + b"}",
                start + b'{"sessionId":"x","snapshot":{"jsonrpc":"2.0"}}}',
                b"\xff\xfe",
                b"null",
                b"{}",
                b'{"jsonrpc":"2.0","method":7}',
            ):
                server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                assert line_of("take") in await used.hints(uri)

    asyncio.run(test())


def test_a_port(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen([*COMMAND, "--tcp", "--port", str(port)], env=environment())
        try:
            used = Editor()
            for _ in range(600):
                try:
                    await used.client.start_tcp("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(0.1)
            await used.client.initialize_async(types.InitializeParams(EDITORS["Neovim"]))
            source, snapshot = app
            uri = used.open(source)
            used.paused(snapshot)
            assert line_of("take") in await used.hints(uri)
        finally:
            server.kill()
            server.wait()
        stop: Any = used.client.stop
        with contextlib.suppress(ConnectionError):
            await stop()

    asyncio.run(test())


def test_without_pygls() -> None:
    code = "import sys; sys.modules['pygls'] = None; from dap_extension.language_server.__main__ import main; main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 3
    assert result.stderr.startswith("asynctb-language-server: it needs pygls 2")


def test_what_runs_stands_at_the_task_alone(app: Tuple[Path, Path]) -> None:
    async def test() -> None:
        source, snapshot = app
        async with serving() as used:
            uri = used.open(source)
            used.paused(snapshot)
            hints = await used.hints(uri)
            assert hints[line_of("save")] == "▶ Task-1 running"
            assert hints[line_of("run")] == "↳ MainThread running"
            lenses = await used.lenses(uri)
            titles = [each.command.title for each in lenses.values() if each.command is not None]
            assert [each for each in titles if "running" in each] == ["1 task running here"]

    asyncio.run(test())


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a shell")
def test_neovim_itself(app: Tuple[Path, Path], tmp_path: Path) -> None:
    """With the recipe of the documentation and no plug-in."""
    nvim = shutil.which("nvim", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if nvim is None:
        pytest.skip("there is no Neovim")
    source, snapshot = app
    recipe = (REPOSITORY / "docs" / "editors.md").read_text(encoding="utf-8").partition("### Neovim\n")[2]
    (tmp_path / "init.lua").write_text(recipe.partition("```lua\n")[2].partition("```")[0], encoding="utf-8")
    (tmp_path / "drive.lua").write_text(NEOVIM, encoding="utf-8")
    command = tmp_path / "asynctb-language-server"
    command.write_text(f'#!/bin/sh\nexec "{COMMAND[0]}" {" ".join(COMMAND[1:])} "$@"\n')
    command.chmod(0o755)
    start = ["--headless", "--clean", "-u", str(tmp_path / "init.lua"), str(source)]
    result = subprocess.run(
        [nvim, *start, "-c", f"luafile {tmp_path}/drive.lua"],
        env=environment(
            PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            SNAPSHOT=str(snapshot),
            PYTHONPATH=os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
            XDG_STATE_HOME=str(tmp_path),
        ),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=2 * TIMEOUT,
    )
    seen = json.loads(result.stdout)
    line = line_of("take")
    assert [line, "⏸ left, right wait for lock, 2 deadlocked"] in seen["hints"]
    assert [line - 1, "2 tasks suspended here, 2 deadlocked"] in seen["lenses"]
    assert {each[0] for each in seen["diagnostics"]} == {line}
    assert seen["diagnostics"][0][1].startswith("Deadlock: task left waits for lock")
    assert seen["left"] == 0


NEOVIM = """
local function wait(condition)
  assert(vim.wait(50000, condition), 'nothing came')
end
local function clients() return vim.lsp.get_clients({ name = 'asynctb' }) end
vim.bo.filetype = 'python'
wait(function() return #clients() > 0 and clients()[1].initialized end)
vim.cmd('AsynctbShow ' .. vim.env.SNAPSHOT)
local function hints() return vim.lsp.inlay_hint.get({ bufnr = 0 }) end
wait(function() return #vim.diagnostic.get(0) > 0 and #hints() > 0 end)
vim.lsp.codelens.refresh({ bufnr = 0 })
wait(function() return #vim.lsp.codelens.get(0) > 0 end)
local seen = { hints = {}, lenses = {}, diagnostics = {} }
for _, each in ipairs(hints()) do
  table.insert(seen.hints, { each.inlay_hint.position.line + 1, each.inlay_hint.label })
end
for _, each in ipairs(vim.lsp.codelens.get(0)) do
  table.insert(seen.lenses, { each.range.start.line + 1, each.command.title })
end
for _, each in ipairs(vim.diagnostic.get(0)) do
  table.insert(seen.diagnostics, { each.lnum + 1, each.message })
end
vim.cmd('AsynctbShow')
wait(function() return #vim.diagnostic.get(0) == 0 end)
seen.left = #vim.diagnostic.get(0)
io.stdout:write(vim.json.encode(seen))
vim.cmd('qa!')
"""


# Speed


def many(number: int, path: str, lines: List[str]) -> Any:
    """Return a snapshot of many tasks at few lines, with many shapes of stacks."""
    shapes = [
        {
            "frames": [
                {"name": "f", "location": {"source": 0, "line": 2 + index % 20, "column": 5, "endColumn": 8}},
                *[{"name": "g", "location": {"source": 0, "line": 30 + index % 50}} for _ in range(4)],
            ]
        }
        for index in range(1000)
    ]
    return {
        "format": "asynctb snapshot",
        "version": 1,
        "writer": "test 1",
        "time": "2026-11-28T10:15:58+00:00",
        "program": {"processId": 1, "instance": "x"},
        "python": {"implementation": "CPython", "version": "3.13.0", "platform": "linux"},
        "contexts": "full",
        "paused": True,
        "notes": [],
        "sources": [
            {"name": "many.py", "path": path, "lines": {str(index): text for index, text in enumerate(lines, 1)}}
        ],
        "shapes": shapes,
        "activities": [
            {
                "id": f"task-{index}",
                "kind": "task",
                "framework": "asyncio",
                "name": f"worker-{index}",
                "state": "suspended",
                "waitsFor": {
                    "kind": "lock",
                    "description": "lock",
                    "holders": [{"activityId": f"task-{index // 2}", "permits": 1, "evidence": "owner"}],
                },
                "stack": {"shape": index % 1000, "values": []},
            }
            for index in range(number)
        ],
        "findings": [],
    }


def test_ten_thousand_tasks(tmp_path: Path) -> None:
    from pygls.workspace import Workspace

    lines = ["def f():", *[f"    await f({index})" for index in range(25)], "def g():"]
    lines += [f"    await g({index})" for index in range(len(lines), 2000)]
    path = tmp_path / "many.py"
    path.write_text("\n".join(lines))
    answers = Answers()
    answers.workspace = Workspace(None)
    answers.workspace.put_text_document(types.TextDocumentItem(path.as_uri(), "python", 1, "\n".join(lines)))
    document = answers.workspace.get_text_document(path.as_uri())
    answers.paused("one", check_document(many(10_000, str(path), lines)))
    here = types.Position(4, 6)
    whole = types.Range(types.Position(0, 0), types.Position(2000, 0))
    times: Dict[str, float] = {}
    questions: Dict[str, Callable[[], Any]] = {
        "lenses": lambda: answers.code_lenses(document),
        "hints": lambda: answers.inlay_hints(document, whole),
        "hover": lambda: answers.hover(document, here),
        "symbols": lambda: answers.symbols("worker-77"),
        "references": lambda: answers.references(document, types.Position(0, 4)),
        "calls": lambda: answers.prepared(document, here),
        "diagnostics": lambda: answers.diagnostics(document),
    }
    for name, ask in questions.items():
        taken = []
        for _ in range(5):
            start = time.perf_counter()
            result: Any = ask()
            taken.append(time.perf_counter() - start)
        assert result or name == "diagnostics", name
        times[name] = min(taken)
    # Twice what it must be: other things run on the machine of the tests.
    assert max(times.values()) < 0.1, times
    hints = answers.inlay_hints(document, whole)
    assert len({each.position.line for each in hints}) == len(hints) == 70, "marks of one line are one"
