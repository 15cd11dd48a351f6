"""The command ``asynctb`` as a user runs it: real processes, real debugpy, real programs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Tuple

import pytest
from commands import COMMAND, REPOSITORY, asynctb, read_until, started, tell
from debugging import PROGRAMS, marked_lines
from interpreters import Interpreter, find_interpreters

from dap_extension.client._session.dap import DapClient
from dap_extension.client._session.helper import Helper
from dap_extension.client._session.session import attach
from dap_extension.payload import payload_key

EXAMPLE = REPOSITORY / "examples" / "order_service.py"
STEPS, ENDLESS, LISTENING, OBEYING, CRAMPED = (
    PROGRAMS / name for name in ("steps.py", "endless.py", "listening.py", "obeying.py", "cramped.py")
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def task_names(capture: Any) -> List[str]:
    return [activity["name"] for activity in capture["snapshot"]["activities"] if activity["kind"] == "task"]


# asynctb run

EXAMPLE_TREE = """\
Paused (breakpoint) in charge  examples/order_service.py:87  return f"{price}.00 EUR"
PYTHON, process NUMBER: 2 threads, 5 tasks (4 suspended, 1 running)
● Thread MainThread  running
├── <module>  order_service.py:126  asyncio.run(main())
├── ● Task worker-2  running
│   ├── worker  order_service.py:71  await handle(shop, item, price)
│   ├── handle  order_service.py:80  invoice = charge(price)
│   │   ├── async with shop.stock_lock → Lock (locked, 1 waiting)
│   │   └── async with transaction(shop.database) as database
│   │       └── transaction  order_service.py:47  yield database
│   │           └── async with database.connections → Semaphore (value 1)
│   └── charge  order_service.py:87  return f"{price}.00 EUR"
├── ○ Task Task-1  suspended, waits for 2 unfinished items of a queue
│   └── main  order_service.py:122  await shop.orders.join()
│       └── async with contextlib.AsyncExitStack() as resources → AsyncExitStack with 3 entries
│           ├── connect()
│           │   └── connect  order_service.py:39  yield database
│           ├── invoice_printer()
│           │   └── invoice_printer  order_service.py:56  yield thread
│           └── callback cancel()
├── ○ Task report  suspended, waits for item of a queue (empty)
│   ├── report  order_service.py:103  async for item, total, invoice in turnover(sales(shop)):
│   ├── turnover  order_service.py:97  async for item, price, invoice in sold:
│   └── sales  order_service.py:92  yield await shop.sold.get()
├── ○ Task worker-1  suspended, waits for item of a queue (empty)
│   └── worker  order_service.py:70  item, price = await shop.orders.get()
└── ○ Task worker-3  suspended, waits for lock, held by worker-2
    ├── worker  order_service.py:71  await handle(shop, item, price)
    └── handle  order_service.py:76  async with shop.stock_lock:
        └── async with shop.stock_lock → entering Lock (locked, 1 waiting)
○ Thread invoice printer  waits for item of a queue (empty)
├── print_invoices  order_service.py:64  for invoice in iter(invoices.get, None):
│   └── with open(os.devnull, "w") as paper → TextIOWrapper
├── get  queue.py:LINE  self.not_empty.wait()
│   └── with self.not_empty → Condition of free Lock, 1 waiting
└── wait  threading.py:LINE  waiter.acquire()
"""


def normalised(tree: str) -> str:
    """Leave out what differs between interpreters and runs."""
    tree = re.sub(r"(?m)^(?:CPython|PyPy) [\d.]+, process \d+", "PYTHON, process NUMBER", tree)
    tree = re.sub(r"(?:Queue|Condition)\.(get|wait)  ", r"\1  ", tree)
    return re.sub(r"(queue|threading)\.py:\d+", r"\1.py:LINE", tree)


@pytest.mark.parametrize("interpreter", find_interpreters(), ids=lambda interpreter: str(interpreter.name))
def test_the_example_at_its_breakpoint(interpreter: Interpreter) -> None:
    result = asynctb("run", "--python", interpreter.path, "examples/order_service.py")
    assert result.stderr == ""
    before, tree, after = result.stdout.split("\n\n")
    assert before == "sold: tea - turnover: 4"
    assert normalised(tree + "\n") == EXAMPLE_TREE
    assert after == "sold: espresso machine - turnover: 1003\nsold: cups - turnover: 1027\n"
    assert result.returncode == 0


def test_the_documentation_shows_real_output() -> None:
    document = (REPOSITORY / "docs" / "terminal.md").read_text(encoding="utf-8")
    assert EXAMPLE_TREE in normalised(document)


def test_breakpoints_and_stops() -> None:
    line = marked_lines(STEPS)["step"]
    result = asynctb("run", "--break", f"{STEPS}:{line}", "--stops", 2, STEPS, "--json", "-m", stdin="hello\n")
    # What comes after the program's name is for the program.
    assert re.findall(r"Paused|step \d|arguments .*|input .*", result.stdout) == [
        "Paused",
        "step 0",
        "Paused",
        "step 1",
        "step 2",
        "arguments ['--json', '-m']",
        "input hello",
    ]
    assert result.stderr == "asynctb: the program ended with exit code 7\n"
    assert result.returncode == 0


def test_json() -> None:
    line = marked_lines(STEPS)["step"]
    result = asynctb("run", "--break", f"{STEPS}:{line}", "--stops", 0, "--json", STEPS)
    captures = [json.loads(text) for text in result.stdout.splitlines()]
    assert len(captures) == 3
    for capture in captures:
        assert list(capture) == ["handshake", "stop", "time", "snapshot", "stacks"]
        assert capture["stop"]["reason"] == "breakpoint"
        assert capture["stop"]["frame"]["line"] == line
        assert capture["snapshot"]["paused"] is True
        ids = [activity["id"] for activity in capture["snapshot"]["activities"]]
        assert [stack["activityId"] for stack in capture["stacks"]["stacks"]] == ids
        # In full, so that a line needs nothing else to be understood.
        for entry in capture["stacks"]["stacks"]:
            assert list(entry) == ["activityId", "stack"]
            for frame in entry["stack"]["frames"]:
                assert all(context["manager"]["address"].startswith("0x") for context in frame.get("contexts", ()))
        assert "shapes" not in capture["stacks"]
    # The same tasks have the same identifiers at every stop.
    assert len({json.dumps([each["id"] for each in capture["snapshot"]["activities"]]) for capture in captures}) == 1
    # The program's own output is out of the way.
    assert re.findall(r"step \d", result.stderr) == ["step 0", "step 1", "step 2"]


def test_a_module(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__main__.py").write_text("import sys\nbreakpoint()\nprint(sys.argv[1:], __package__)\n")
    result = asynctb("run", "-m", "shop", "-v", PYTHONPATH=str(tmp_path))
    assert "Paused (breakpoint) in <module>" in result.stdout
    assert "['-v'] shop\n" in result.stdout
    assert result.returncode == 0


def test_a_breakpoint_where_no_code_is() -> None:
    result = asynctb("run", "--break", f"{STEPS}:1000", STEPS)
    assert f"asynctb: {STEPS}:1000: no code there; stopping at line" in result.stderr


def test_a_program_whose_stacks_cannot_be_read_goes_on() -> None:
    place = f"{CRAMPED}:{marked_lines(CRAMPED)['here']}"
    result = asynctb("run", "--stops", "0", "--break", place, CRAMPED)
    assert result.returncode == 4
    assert "asynctb: the helper could not be loaded into the program: " in result.stderr
    assert result.stderr.endswith("asynctb: the stacks could not be read at 1 of 2 stops\n")
    assert result.stdout.lstrip().startswith("Paused (breakpoint) in here")
    assert result.stdout.endswith("done\n")


def test_a_program_that_ends_without_a_stop() -> None:
    result = asynctb("run", STEPS)
    assert result.returncode == 1
    assert result.stderr.endswith(
        "asynctb: the program ended with exit code 7 before it stopped: "
        "say where to look with --break FILE:LINE, or call breakpoint() in the program\n"
    )
    line = marked_lines(OBEYING)["done"]
    result = asynctb("run", "--break", f"{OBEYING}:{line}", STEPS)
    assert result.returncode == 1
    assert result.stderr.endswith(f"before it stopped: it never came to {OBEYING}:{line}\n")


def test_a_program_that_is_ended_after_its_stop() -> None:
    result = asynctb("run", "--terminate", ENDLESS)
    assert "Paused" in result.stdout
    assert "going on\n" not in result.stdout
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run"], "which program? Give a SCRIPT, or -m MODULE."),
        (["run", "nowhere.py"], "there is no file 'nowhere.py'"),
        (["run", "--bogus", str(STEPS)], "there is no option '--bogus'"),
        (["run", "--break", "nowhere.py:1", str(STEPS)], "there is no file 'nowhere.py'"),
        (["run", "--break", "12", str(STEPS)], "'12' is not of the form FILE:LINE"),
        (["run", "--break", f"{STEPS}:0", str(STEPS)], "is not of the form FILE:LINE"),
        (["run", "--python", "no-such-python", str(STEPS)], "there is no program 'no-such-python'"),
        (["run", "--python", "true", str(STEPS)], "is not Python 3.8 or later"),
        (["attach"], "which program? Give its HOST:PORT, or --pid PID."),
        (["attach", "localhost"], "is not of the form HOST:PORT"),
        (["attach", "localhost:0"], "is not of the form HOST:PORT"),
        (["attach", "--break", f"{STEPS}:1", "5678"], "--break needs --no-pause"),
        (["dump", "5678", "--pid", "1"], "give either HOST:PORT or --pid, not both"),
    ],
)
def test_wrong_usage(args: List[str], message: str) -> None:
    if "true" in args and sys.platform == "win32":
        pytest.skip("Windows has no program true")
    result = asynctb(*args)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.split())


def test_missing_packages() -> None:
    code = f"import sys; sys.path.append({str(REPOSITORY)!r}); from dap_extension.client.__main__ import main; main()"
    result = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr == (
        "asynctb: the command needs click, rich, debugpy. From a checkout: pip install '.[client]'\n"
    )
    assert result.returncode == 3


# How it looks


def test_a_narrow_terminal() -> None:
    result = asynctb("run", "examples/order_service.py", COLUMNS="60")
    assert max(map(len, result.stdout.splitlines())) == 60
    assert "…" in result.stdout


def test_colours() -> None:
    assert "\x1b" not in asynctb("run", "--terminate", EXAMPLE).stdout
    coloured = asynctb("run", "--terminate", EXAMPLE, FORCE_COLOR="1", TERM="xterm-256color").stdout
    assert "\x1b[35masync with shop.stock_lock\x1b[0m" in coloured
    plain = asynctb("run", "--terminate", EXAMPLE, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color").stdout
    assert not re.search(r"\x1b\[[\d;]*3\dm", plain)


def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    script = tmp_path / "grüße.py"
    script.write_text("breakpoint()\ngrüße = 1\n", encoding="utf-8")
    result = asynctb("run", script, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert "gr\\xfc\\xdfe = 1" in result.stdout
    assert result.returncode == 0
    result = asynctb("run", EXAMPLE, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert "`-- - Task worker-3  suspended, waits for lock, held by worker-2" in result.stdout
    assert "async with shop.stock_lock -> Lock" in result.stdout
    assert result.returncode == 0


# The end of asynctb itself. Its output ends only when nobody is left who could write to it: the launcher, the program.


@posix
def test_ctrl_c_interrupts_the_program() -> None:
    with started(*COMMAND, "run", ENDLESS) as process:
        read_until(process.stdout, "going on\n")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert out == "interrupted first\n"
        assert err == ""
        assert process.returncode == 130


@posix
def test_ctrl_c_again_kills_the_program() -> None:
    with started(*COMMAND, "run", ENDLESS, "stubborn") as process:
        read_until(process.stdout, "going on\n")
        process.send_signal(signal.SIGINT)
        read_until(process.stdout, "interrupted first")
        read_until(process.stdout, "going on\n")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
        assert out == ""
        assert process.returncode == 130


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)])
def test_the_program_ends_with_us(number: signal.Signals, code: int) -> None:
    with started(*COMMAND, "run", ENDLESS) as process:
        read_until(process.stdout, "going on\n")
        process.send_signal(number)
        out, _ = process.communicate()
        assert out == ""
        assert process.returncode == code


def test_a_program_that_dies() -> None:
    with started(*COMMAND, "run", "--json", ENDLESS) as process:
        assert process.stdout is not None
        capture = json.loads(process.stdout.readline())
        read_until(process.stderr, "going on\n")
        os.kill(capture["handshake"]["processId"], signal.SIGTERM)
        _, err = process.communicate()
        assert "asynctb: the program ended with exit code" in err
        assert process.returncode == 0


# asynctb attach, asynctb dump


@contextlib.contextmanager
def listening() -> Iterator[Tuple[subprocess.Popen[str], str]]:
    """Start a program that waits for a debugger; yield it and where it listens."""
    with started(sys.executable, LISTENING) as process:
        assert process.stdout is not None
        yield process, f"127.0.0.1:{int(process.stdout.readline())}"


def test_dump() -> None:
    with listening() as (process, address):
        tell(process, "start sleeper")
        for _ in range(2):  # the second time the helper is there already
            result = asynctb("dump", address)
            assert result.stderr == ""
            assert "Running, looked at without a pause" in result.stdout
            assert "○ Task sleeper  suspended, waits for sleep\n" in result.stdout
            assert "nap  obeying.py:" in result.stdout
            assert result.returncode == 0
            # It goes on as if nothing had been.
            tell(process, "stop sleeper")
            tell(process, "start sleeper")


class Asked(NamedTuple):
    """A connection that notes which requests are made."""

    client: DapClient
    commands: List[str]

    def request(self, command: str, *args: Any, **options: Any) -> Any:
        self.commands.append(command)
        return self.client.request(command, *args, **options)


def test_the_helper_is_loaded_once() -> None:
    with listening() as (_, address):
        host, _, port = address.partition(":")
        for expected in (["asynctbHandshake", "evaluate", "asynctbHandshake"], ["asynctbHandshake"]):
            with attach(host, int(port)) as session:
                asked: List[str] = []
                client = Asked(session.client, asked)
                assert Helper(client).load()["helperKey"] == payload_key()
                assert asked == expected


def test_dump_leaves_no_thread_behind() -> None:
    expression = "[thread.name for thread in __import__('threading').enumerate()]"
    seen = []
    with listening() as (process, address):
        host, _, port = address.partition(":")
        for _ in range(2):
            with attach(host, int(port)) as session:
                seen.append(session.client.request("evaluate", {"expression": expression})["result"])
            assert asynctb("dump", address).returncode == 0
            tell(process, "start sleeper")
    # What debugpy itself needs is there before.
    assert "MainThread" in seen[0]
    assert seen[0] == seen[1]


def test_dump_does_not_release_a_program_that_waits_for_its_debugger() -> None:
    code = (
        "import debugpy; print(debugpy.listen(('127.0.0.1', 0))[1], flush=True);"
        "debugpy.wait_for_client(); print('released', flush=True)"
    )
    with started(sys.executable, "-c", code) as process:
        assert process.stdout is not None
        address = f"127.0.0.1:{int(process.stdout.readline())}"
        assert "Event.wait" in asynctb("dump", address, "--all-frames").stdout
        # If that had released it, it would have ended, and nothing would listen there any more.
        assert "Event.wait" in asynctb("dump", address, "--all-frames").stdout
        assert "Event.wait" in asynctb("dump", address, "--no-hooks").stdout
        asynctb("attach", "--no-pause", address)
        assert process.communicate()[0] == "released\n"


def test_filter_and_group() -> None:
    with listening() as (process, address):
        for name in ("one", "two", "three"):
            tell(process, f"start {name}")
        grouped = asynctb("dump", address, "--group")
        assert "○ 3 tasks one, three, two  suspended, wait for sleep\n" in grouped.stdout
        assert grouped.stdout.count("nap  ") == 1
        filtered = asynctb("dump", address, "--filter", "TWO")
        assert re.findall(r"Task (\S+)", filtered.stdout) == ["two"]
        assert "Thread MainThread" in filtered.stdout
        assert "; 1 of 5 shown\n" in filtered.stdout
        # Also by what is in the stack, for programs, too.
        capture = json.loads(asynctb("dump", address, "--json", "--filter", "nap").stdout)
        assert sorted(task_names(capture)) == ["one", "three", "two"]
        assert len(capture["stacks"]["stacks"]) == 3
        nothing = asynctb("dump", address, "--filter", "no such thing")
        assert nothing.stderr == "asynctb: nothing contains 'no such thing'\n"


PAIRS = """\
import asyncio, debugpy

async def work():
    await asyncio.sleep(3600)

async def connection():
    await asyncio.ensure_future(work())

async def main():
    pairs = [asyncio.ensure_future(connection()) for _ in range(300)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print(debugpy.listen(("127.0.0.1", 0))[1], flush=True)
    await asyncio.wait(pairs)

asyncio.run(main())
"""


def test_many_are_put_together_unless_they_shall_not(tmp_path: Path) -> None:
    program = tmp_path / "crowd.py"
    program.write_text(
        "import asyncio, sys\n"
        "async def wait(): await asyncio.sleep(3600)\n"
        "async def main():\n"
        "    tasks = [asyncio.create_task(wait()) for _ in range(int(sys.argv[1]))]\n"
        "    await asyncio.sleep(0)\n"
        "    breakpoint()\n"
        "    for task in tasks: task.cancel()\n"
        "asyncio.run(main())\n"
    )
    hint = "those with the same stack are shown as one; --no-group shows each"
    for number, options, grouped, is_said in (
        (300, [], True, True),
        (300, ["--no-group"], False, False),
        (300, ["--group"], True, False),
        (100, [], False, False),
        (100, ["--group"], True, False),
    ):
        result = asynctb("run", *options, program, number)
        assert result.returncode == 0
        assert (f"{number} tasks Task-2, " in result.stdout) is grouped
        assert (result.stdout.count("○ Task ") > number - 1) is not grouped
        assert (hint in result.stderr) is is_said


def test_many_that_wait_for_their_own_child_are_one_group() -> None:
    with started(sys.executable, "-c", PAIRS) as process:
        assert process.stdout is not None
        address = f"127.0.0.1:{int(process.stdout.readline())}"
        printed = asynctb("dump", address, "--group").stdout
        assert printed.count("○ 300 tasks ") == 2
        assert (printed.count("connection  "), printed.count("work  ")) == (1, 1)
        # A function of the library that no shown frame has.
        assert "nothing contains 'sleep.py'" in asynctb("dump", address, "--filter", "sleep.py").stderr
        assert "nothing contains 'tasks.py'" in asynctb("dump", address, "--filter", "tasks.py").stderr


def test_watch() -> None:
    with listening() as (process, address), started(*COMMAND, "dump", "--watch", "0.1", address) as watcher:
        read_until(watcher.stdout, "Thread MainThread")
        read_until(watcher.stdout, "no change")
        tell(process, "start sleeper")
        assert "in nap at" in read_until(watcher.stdout, "+ Task sleeper  suspended")
        tell(process, "stop sleeper")
        read_until(watcher.stdout, "- Task sleeper  ended")
        assert process.stdin is not None
        process.stdin.close()
        read_until(watcher.stderr, "asynctb: the program has ended")
        assert watcher.wait() == 0


def test_watch_what_contains_a_text() -> None:
    args = ["dump", "--watch", "0.1", "--filter", "wanted"]
    with listening() as (process, address), started(*COMMAND, *args, address) as watcher:
        read_until(watcher.stderr, "asynctb: nothing contains 'wanted'")
        tell(process, "start other")
        tell(process, "start wanted")
        before = read_until(watcher.stdout, "+ Task wanted  suspended")
        tell(process, "stop other")
        tell(process, "stop wanted")
        assert "other" not in before + read_until(watcher.stdout, "- Task wanted  ended")


def test_attach_pauses_a_busy_program_and_lets_it_go_on() -> None:
    with listening() as (process, address):
        tell(process, "start sleeper")
        assert process.stdin is not None
        process.stdin.write("busy\n")
        process.stdin.flush()
        for _ in range(2):
            result = asynctb("attach", address)
            assert result.stderr == ""
            assert "Paused on request, in " in result.stdout
            assert "Task sleeper  suspended" in result.stdout
            assert result.returncode == 0


def test_attach_to_an_idle_program() -> None:
    with listening() as (process, address):
        for name in ("one", "two"):
            result = asynctb("attach", address)
            assert result.stderr == ""
            assert "Paused on request, in " in result.stdout
            assert "Task Task-1  suspended" in result.stdout
            assert result.returncode == 0
            tell(process, f"start {name}")


def test_attach_to_a_program_that_cannot_be_paused() -> None:
    code = "import debugpy; print(debugpy.listen(('127.0.0.1', 0))[1], flush=True); input()"
    with started(sys.executable, "-c", code) as process:
        assert process.stdout is not None
        result = asynctb("attach", int(process.stdout.readline()))
        assert "the program does not pause" in result.stderr
        assert "Thread MainThread" in result.stdout
        assert result.returncode == 0
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait() == 0


def test_attach_and_wait_for_a_breakpoint() -> None:
    with listening() as (process, address):
        line = marked_lines(OBEYING)["done"]
        args = ["attach", "--no-pause", "--json", "--break", f"{OBEYING}:{line}", "--stops", "2", address]
        with started(*COMMAND, *args) as watcher:
            read_until(watcher.stderr, "asynctb: waiting until the program stops")
            captures = []
            for _ in range(2):
                assert process.stdin is not None
                assert watcher.stdout is not None
                process.stdin.write("start sleeper\n")
                process.stdin.flush()
                captures.append(json.loads(watcher.stdout.readline()))
            assert watcher.wait() == 0
        assert [capture["stop"]["frame"]["line"] for capture in captures] == [line, line]
        assert task_names(captures[1])[1:] == ["sleeper", "sleeper"]
        # Nobody is attached any more, so it does not stop again.
        read_until(process.stdout, "done start sleeper")
        tell(process, "start another")


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = asynctb("attach", port)
    assert result.returncode == 3
    assert f"asynctb: cannot connect to 127.0.0.1:{port}: Connection refused." in result.stderr
    assert f"python -m debugpy --listen 127.0.0.1:{port}" in result.stderr


def test_a_host_that_is_not_known() -> None:
    result = asynctb("attach", "no-such-host.invalid:5678")
    assert result.returncode == 3
    assert result.stderr.startswith("asynctb: cannot connect to no-such-host.invalid:5678: ")
    assert "debugpy" not in result.stderr  # that would not help


@posix
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["tree", "json"])
def test_output_that_cannot_be_written(options: List[str]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("the system has no device that is full")
    with listening() as (process, address):
        for redirection, reason in ((">&-", "it is closed"), (">/dev/full", "No space left on device")):
            script = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, "dump", *options, address]
            result = asynctb(command=script)
            assert result.stderr == f"asynctb: cannot write to standard output: {reason}\n"
            assert result.returncode == 5
        tell(process, "start sleeper")


def test_something_else_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        result = asynctb("dump", server.getsockname()[1])
        thread.join()
    assert result.returncode == 3
    assert "this is not the Debug Adapter Protocol" in result.stderr


def test_somebody_else_is_attached() -> None:
    with listening() as (_, address), started(*COMMAND, "dump", "--watch", "100", address) as watcher:
        read_until(watcher.stdout, "Thread MainThread")
        result = asynctb("dump", address)
        assert result.returncode == 3
        assert result.stderr == "asynctb: another debugger is attached to that program; end its session first\n"
