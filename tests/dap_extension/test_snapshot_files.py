"""Snapshot files: written by everything that writes them, read wherever they come from, whatever is in them."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import re
import stat
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import jsonschema
import pytest
from commands import asynctb, started
from rich.console import Console
from test_client_render import activity, capture, context, frame

import dap_extension.protocol
from dap_extension.client._drawing.comparison import Comparison
from dap_extension.client._drawing.filter import matching
from dap_extension.client._drawing.source_text import Sources, lines_of
from dap_extension.client._drawing.tree import Captured, finding_lines
from dap_extension.client._session.saved import to_capture, to_document
from dap_extension.snapshot_files.checking import schema
from dap_extension.snapshot_files.reading import DocumentError, check_document, map_paths, parse_document, read_document
from dap_extension.snapshot_files.writing import write_document

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and pipes of POSIX")


def validate(document: Any) -> None:
    """Check against the schema with a validator that is not ours, too."""
    jsonschema.Draft202012Validator(schema()).validate(document)
    check_document(copy.deepcopy(document))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """Return files of one program: two that it wrote itself, and one that a session wrote between these."""
    folder = tmp_path_factory.mktemp("files")
    found = {name: folder / f"{name}.json" for name in ("first", "session", "last")}
    # As a module, so that functions of runpy start it.
    module = "tests.dap_extension.programs.saving"
    with started(sys.executable, "-m", module, found["first"], found["last"]) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = int(process.stdout.readline())
        result = asynctb("dump", port, "--output", found["session"])
        assert (result.returncode, result.stdout) == (0, "")
        assert re.fullmatch(r"asynctb: \d+ activities saved, to be seen with: asynctb show \S+\n", result.stderr)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
    return found


def without_identity(text: str) -> str:
    return re.sub(r"\(queue \w+\)|…[0-9a-f]+", "", text)


def test_all_that_write_write_the_same(files: Dict[str, Path]) -> None:
    documents = {name: json.loads(path.read_text()) for name, path in files.items()}
    for document in documents.values():
        validate(document)
    ours, theirs = documents["first"], documents["session"]
    assert {key for key in ours if key != "stop"} == {key for key in theirs if key != "stop"}
    assert ours["program"]["name"] == theirs["program"]["name"] == "saving.py"
    assert all("runpy" not in asynctb("show", files[name]).stdout for name in ("first", "session"))
    shown = [asynctb("show", files[name], "--filter", "lock").stdout for name in ("first", "session")]
    trees = [without_identity(text[text.index("├── ○ Task left") :]) for text in shown]
    assert trees[0] == trees[1]
    assert all("\nDeadlock: task left waits for lock at saving.py:" in text for text in shown)
    assert "async with second as grüße → entering Lock (locked, 1 waiting)" in trees[0]


@posix
def test_a_new_file_is_for_its_owner(files: Dict[str, Path]) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}


def test_every_option(files: Dict[str, Path]) -> None:
    path = files["last"]
    why = asynctb("show", path, "--why")
    assert why.returncode == 6
    assert why.stdout.startswith("Deadlock: ")
    assert why.stdout.count("\n") == 1
    grouped = asynctb("show", path, "--group").stdout
    assert "3 tasks idle-0, idle-1, idle-2  suspended, wait for item of a queue (empty)" in grouped
    assert "Queue.get" in asynctb("show", path, "--all-frames").stdout or "get  queues.py" in asynctb(
        "show", path, "--all-frames"
    ).stdout.replace("Queue.", "")
    as_json = json.loads(asynctb("show", path, "--json", "--filter", "idle-1").stdout)
    assert [each["name"] for each in as_json["snapshot"]["activities"]] == ["idle-1"]


def test_against_an_older_one(files: Dict[str, Path]) -> None:
    result = asynctb("show", files["last"], "--against", files["first"])
    assert result.stderr == ""
    assert re.search(r"(?m)^[\d.]+ s later: 2 appeared, 1 ended, 3 moved, 4 still wait$", result.stdout)
    assert re.search(r"(?m)^\+ Task new  suspended", result.stdout)
    assert re.search(r"(?m)^- Task ending  ended  before: suspended", result.stdout)
    assert re.search(r"(?m)^~ Task idle-0  .*waits for item of a queue \(empty\), anew", result.stdout)
    assert re.search(
        r"(?m)^= Task idle-1  .*waits for item of a queue \(empty\), for at least [\d.]+ s$", result.stdout
    )
    assert re.search(r"(?m)^= Deadlock: .*, for at least [\d.]+ s$", result.stdout)
    data = json.loads(asynctb("show", files["last"], "--against", files["first"], "--json").stdout)
    assert data["sameRun"] is True
    assert "new" in [each["name"] for each in data["changes"] if each["change"] == "appeared"]
    assert len(data["findings"]["stayed"]) == 1
    assert asynctb("show", files["last"], "--against", files["first"], "--why").returncode == 6
    only = asynctb("show", files["last"], "--against", files["first"], "--filter", "idle-1", "--group").stdout
    assert only.count("\n") == 2


def test_identifiers_of_others_mean_nothing(files: Dict[str, Path]) -> None:
    """The library and the helper number the same tasks apart."""
    result = asynctb("show", files["session"], "--against", files["first"])
    assert "compared by name" in result.stdout
    assert "still wait" not in result.stdout
    assert re.findall(r"(?m)^[+-] (.*?)  ", result.stdout) == ["Thread asyncio_0"]
    assert re.search("(?m)^= Deadlock", result.stdout)
    reverse = asynctb("show", files["first"], "--against", files["last"])
    assert "the wrong way round" in reverse.stdout
    assert "at least" not in reverse.stdout


def test_output_of_run_and_attach(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    result = asynctb("run", "--terminate", "--output", path, "examples/order_service.py")
    assert "MainThread" not in result.stdout
    document = json.loads(path.read_text())
    validate(document)
    assert document["stop"]["reason"] == "breakpoint"
    plain = asynctb("run", "--terminate", "examples/order_service.py").stdout
    shown = asynctb("show", path).stdout
    tree = plain[plain.index("● Thread") :]
    assert shown[shown.index("● Thread") :] == tree
    assert 'Paused (breakpoint) in charge  examples/order_service.py:87  return f"{price}.00 EUR"' in shown
    with_tree = asynctb("run", "--terminate", "--output", path, "--group", "examples/order_service.py").stdout
    assert "Thread MainThread" in with_tree
    failed = asynctb("run", "--terminate", "--output", tmp_path / "no" / "it", "examples/order_service.py")
    assert failed.returncode == 5
    assert re.search(r"cannot write to .*it: No such file", failed.stderr)


# Reading


def example(path: Path) -> Any:
    """Return a small document with a bit of everything."""
    frames = [
        frame(
            "inner",
            6,
            contexts=[
                context(
                    children=[
                        {"kind": "context", "context": context("app.Other")},
                        {"kind": "task", "activityId": "task-2", "object": {"type": "Task", "address": "0x9"}},
                    ],
                    inner={"frames": [frame("generator", 3)]},
                    location={"source": 0, "line": 2, "endLine": 2, "column": 16, "endColumn": 20},
                    varname="x",
                )
            ],
        ),
        frame("outer", 2),
    ]
    wait = {
        "kind": "lock",
        "description": "lock",
        "target": {"type": "Lock", "address": "0x1"},
        "holders": [{"activityId": "task-2", "permits": 1, "evidence": "block", "location": {"source": 0, "line": 2}}],
    }
    of = capture(
        [
            activity("thread-1", "thread", "running"),
            activity("task-1", waitsFor=wait, parentId="thread-1", top=frame("inner"), loopId="loop-1"),
            activity("task-2", parentId="task-1", failure="ValueError: no"),
        ],
        {"thread-1": [frame("main", 1)], "task-1": frames, "task-2": [frame("outer", 2)]},
        str(path),
        leaf={"type": "Future", "address": "0x4"},
    )
    of["time"] = 1.8e9
    of["snapshot"]["findings"] = [
        {
            "kind": "deadlock",
            "certain": True,
            "text": "task-1 waits for task-2",
            "activityIds": ["task-1", "task-2"],
            "steps": [{"activityId": "task-1", "text": "waits", "location": {"source": 0, "line": 6}}],
        }
    ]
    return to_document(of, lines_of)


@pytest.fixture
def document(tmp_path: Path) -> Any:
    source = tmp_path / "app.py"
    source.write_text("def main():\n    async with lock as x:\n        yield\n\n\n        await thing()\n")
    made = example(source)
    validate(made)
    return made


def draw(document: Any) -> str:
    """Do with a document all that a command can do."""
    of = to_capture(document)
    console = Console(file=io.StringIO(), width=200)
    for group, hidden in ((False, True), (True, False)):
        console.print(Captured(of, group=group, hidden=hidden, only=matching(of, "a", hidden)))
        console.print(Captured(of, group=group, hidden=hidden))
    for line in [*finding_lines(of), *Comparison(of, of).lines(group=True)]:
        console.print(line)
    json.dumps(of)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_there_and_back(document: Any) -> None:
    text = draw(copy.deepcopy(document))
    assert "inner  app.py:6  await thing()" in text.replace(os.path.dirname(document["sources"][0]["path"]) + "/", "")
    assert "async with lock as x" in text or "with lock as x" in text
    again = to_document(to_capture(copy.deepcopy(document)), lines_of)
    for key in ("activities", "findings", "shapes", "sources", "time", "program"):
        assert again[key] == document[key]


def refusal(data: Any) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_document(data if isinstance(data, bytes) else json.dumps(data).encode())
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 300
    return message


def test_what_is_no_snapshot(document: Any, tmp_path: Path) -> None:
    assert refusal(b"") == refusal(b" \n") == "it is empty"
    assert "not text" in refusal(b"\xff\xfe{}")
    assert "no JSON" in refusal(b"print('hello')")
    other: Any
    for other in ([], {}, 1, "x", None, {"format": "other"}):
        assert refusal(other) == "it is no snapshot of asynctb"
    assert "--output" in refusal({"handshake": {}, "stop": None, "snapshot": {}, "stacks": {}})
    data = json.dumps(document).encode()
    for length in range(100, len(data) - 1, 97):
        assert "damaged or incomplete" in refusal(data[:length])
    assert "newer asynctb, in version 2" in refusal({**document, "version": 2, "activities": 7})
    assert "version should be" in refusal({**document, "version": 0})
    assert "version should be" in refusal({**document, "version": True})
    with pytest.raises(DocumentError, match=r"Is a directory|Permission"):
        read_document(str(tmp_path))
    with pytest.raises(DocumentError, match="no such file"):
        read_document("a\0b")


def test_hostile_numbers_and_depths(document: Any) -> None:
    data = json.dumps(document)
    assert "number" in refusal(data.replace('"line": 6', '"line": ' + "9" * 5000).encode())
    assert "line should be" in refusal(data.replace('"line": 6', '"line": 1e400').encode())
    assert "line should be" in refusal(data.replace('"line": 6', '"line": -1').encode())
    assert "line should be" in refusal(data.replace('"line": 6', '"line": true').encode())
    assert "number" in refusal(data.replace('"line": 6', '"line": NaN').encode())
    assert "too deeply" in refusal(b"[" * 100_000)
    assert "too deeply" in refusal(b'{"a":' * 100_000)
    deep: Any = {"frames": []}
    for _ in range(70):
        deep = {"frames": [{**frame("f"), "contexts": [{"isAsync": False, "phase": "active", "inner": deep}]}]}
    document["shapes"].append(deep)
    assert "too deeply" in refusal(document)


def test_references_that_lead_nowhere(document: Any) -> None:
    changes: List[Callable[[Any], object]] = [
        lambda each: each["activities"][1]["stack"].update(shape=99),
        lambda each: each["activities"][1]["stack"].update(values=[]),
        lambda each: each["activities"][1]["waitsFor"]["holders"][0]["location"].update(source=5),
        lambda each: each["findings"][0]["steps"][0]["location"].update(source=5),
        lambda each: each["shapes"][1]["frames"][0]["location"].update(source=5),
        lambda each: each["activities"].append(each["activities"][0]),
        lambda each: each.update(stop={"frame": {"name": "f", "location": {"source": 5}}}),
    ]
    for change in changes:
        changed = copy.deepcopy(document)
        change(changed)
        assert refusal(changed).startswith("it is damaged: ")


def test_a_small_file_is_no_giant(document: Any) -> None:
    """Each shape is written once, and may be large; what refers to it is small."""
    document["shapes"].append({"frames": [frame("f") for _ in range(3000)]})
    shape = len(document["shapes"]) - 1
    document["activities"] = [
        {**activity(f"task-{number}"), "stack": {"shape": shape, "values": []}} for number in range(5000)
    ]
    assert "too large" in refusal(document)


def test_circles_are_drawn(document: Any) -> None:
    first, second, third = document["activities"]
    first["parentId"] = third["id"]
    first["threadId"] = first["id"]
    second["waitsFor"]["activityIds"] = [second["id"], third["id"]]
    third["parentId"] = second["id"]
    document["activities"].append({**activity("task-9"), "parentId": "task-9"})
    text = draw(parse_document(json.dumps(document).encode()))
    assert all(f"name-{each}" in text for each in ("thread-1", "task-1", "task-2", "task-9"))


def test_later_fields_are_ignored(document: Any) -> None:
    document["later"] = {"location": {"source": "x"}}
    document["activities"][1]["later"] = {"location": 3, "frames": 7}
    document["shapes"][1]["frames"][0]["address"] = "0x1"
    document["shapes"][1]["frames"][0]["frameId"] = "no"
    read = parse_document(json.dumps(document).encode())
    assert "later" not in read
    draw(read)


def mutated(value: Any, source: random.Random) -> None:
    """Change one place of a document into something else, of a likely or of an unlikely type."""
    places: List[Any] = []
    pending = [value]
    while pending:
        each = pending.pop()
        items: Any = each.items() if isinstance(each, dict) else enumerate(each)
        for key, item in items:
            places.append((each, key))
            if isinstance(item, (dict, list)):
                pending.append(item)
    holder, key = source.choice(places)
    same_type = [each[each_key] for each, each_key in places if type(each[each_key]) is type(holder[key])]
    choices: List[Any] = [
        None,
        0,
        -1,
        1,
        2**31,
        2**70,
        0.5,
        "",
        "\x1b[2J\n",
        "\ud800",
        "../../x",
        [],
        {},
        True,
        [[]],
        {"a": {}},
    ]
    choices += [copy.deepcopy(source.choice(same_type))] * 30 + ["delete"]
    new = source.choice(choices)
    if new == "delete":
        del holder[key]
    else:
        holder[key] = new


def test_damage_is_noticed_or_does_no_harm(document: Any) -> None:
    source = random.Random(5)
    shown = 0
    for _ in range(1500):
        changed = copy.deepcopy(document)
        for _ in range(source.choice((1, 1, 2))):
            mutated(changed, source)
        with contextlib.suppress(DocumentError):
            text = draw(parse_document(json.dumps(changed).encode()))
            assert "\x1b" not in text
            shown += 1
    assert 300 < shown < 1400


def test_names_do_not_control_the_terminal(document: Any, tmp_path: Path) -> None:
    evil = "a\x1b]0;owned\x07\x1b[2J\r\nb\u202ec"
    changed = json.loads(
        json.dumps(document).replace("name-task-1", "@@").replace('"inner"', '"@@"').replace("app.py", "@@")
    )
    text = json.dumps(changed, ensure_ascii=False).replace("@@", json.dumps(evil)[1:-1])
    path = tmp_path / "evil.json"
    path.write_text(text, encoding="utf-8")
    for options in ([], ["--why"], ["--against", path], ["--json"]):
        result = asynctb("show", path, *options)
        assert result.stdout
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", result.stdout + result.stderr)


@posix
def test_nothing_that_is_named_is_opened(document: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "app.py.pipe")
    secret = tmp_path / "secret"
    secret.write_text("\n" * 5 + "secret words\n")
    for path in (tmp_path / "app.py.pipe", secret):
        document["sources"][0].update(path=str(path), lines={})
        file = tmp_path / "it.json"
        file.write_text(json.dumps(document))
        result = asynctb("show", file)
        assert (result.returncode, result.stderr) == (0, "")
        assert "secret words" not in result.stdout
    # Unless the user says that it may be.
    assert "secret words" in asynctb("show", file, "--map", f"{tmp_path}={tmp_path}").stdout


def test_files_of_another_machine(document: Any, tmp_path: Path) -> None:
    document["sources"] = [{"name": "app.py", "path": "/srv/app/pkg/app.py", "lines": {"6": "    recorded()"}}]
    path = tmp_path / "it.json"
    path.write_text(json.dumps(document))
    assert "/srv/app/pkg/app.py:6  recorded()" in asynctb("show", path, "--all-frames").stdout.replace(
        "app.py:6", "/srv/app/pkg/app.py:6"
    ).replace("/srv/app/pkg//srv/app/pkg/", "/srv/app/pkg/")
    mapped = asynctb("show", path, "--map", "/srv/app=here", "--map", "/other=there")
    assert mapped.stderr == f"asynctb: --map: no source of {path} is in /other\n"
    for wrong in ("here", "=x", "/srv=", "/=/x"):
        assert asynctb("show", path, "--map", wrong).returncode == 2


def test_paths_are_mapped_by_their_parts() -> None:
    paths = ["/srv/app/x.py", "/srv/application/x.py", "/srv/app/../etc/x", "C:\\app\\sub\\x.py", "/srv/app/in/x.py"]
    document: Any = {"sources": [{"path": path, "lines": {}} for path in paths]}
    unused = map_paths(document, [("/srv/app/", "/a"), ("C:\\app", "/w"), ("/srv/app/in", "/i"), ("/no", "/x")])
    found = [each["path"] for each in document["sources"]]
    assert found == [
        os.path.abspath("/a/x.py"),
        "/srv/application/x.py",
        "/srv/app/../etc/x",
        os.path.abspath("/w/sub/x.py"),
        os.path.abspath("/i/x.py"),
    ]
    assert unused == ["/no"]


def test_several_in_one_file(document: Any, tmp_path: Path) -> None:
    """A program that dumps on a signal appends."""
    later = {**document, "writer": "asynctb 9"}
    data = "\n".join(map(json.dumps, [document, document, later])) + "\n"
    assert parse_document(data.encode())["writer"] == "asynctb 9"
    assert "damaged" in refusal((data + '{"format": "asynctb snapshot", "ver').encode())


def test_items_are_told_from_what_is_recorded() -> None:
    lines = {"2": '    async with grüße("😀"), other(', "3": "        1,", "4": "    ) as y:", "7": "  with a as b, c:"}
    sources = Sources([{"name": "x", "lines": lines}])  # type: ignore[typeddict-unknown-key]
    one = {"source": 0, "line": 2, "endLine": 2, "column": 16, "endColumn": 27}
    assert sources.with_item(one, 0) == 'grüße("😀")'  # type: ignore[arg-type]
    two = {"source": 0, "line": 2, "endLine": 4, "column": 29, "endColumn": 6}
    assert sources.with_item(two, 1, "y") == "other( 1, ) as y"  # type: ignore[arg-type]
    statement = {"source": 0, "line": 7}
    assert [sources.with_item(statement, index) for index in (0, 1, 2)] == ["a as b", "c", ""]  # type: ignore[arg-type]


@posix
def test_writing_keeps_what_is_there(document: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "it.json"
    write_document(str(path), document)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    write_document(str(path), document)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    whole = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *args: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(OSError, match="no"):
        write_document(str(path), document)
    assert path.read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ".py"] == ["it.json"]


def test_the_documentation_says_what_the_schema_says() -> None:
    text = (Path(dap_extension.protocol.__file__).parent.parent / "docs" / "snapshot-format.md").read_text("utf-8")
    for names in names_in(schema()):
        assert f"`{names}`" in text, f"{names} is not explained"


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value.get("properties", {})
        for each in value.values():
            yield from names_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from names_in(each)
