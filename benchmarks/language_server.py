"""How long the language server takes for a snapshot, and then for each answer about it.

``python benchmarks/language_server.py [TASKS]``: 10,000 tasks on 100 locks unless told otherwise.
Each answer should come within 50 ms.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict

from lsprotocol import types
from pygls.workspace import Workspace

import asynctb
from dap_extension.language_server._answers import Answers
from dap_extension.snapshot_files.reading import read_document

ROUNDS = 5


async def hold(lock: asyncio.Lock) -> None:
    async with lock:
        await asyncio.sleep(3600)


async def outer(lock: asyncio.Lock) -> None:
    await hold(lock)


async def save(path: str, number: int) -> None:
    locks = [asyncio.Lock() for _ in range(100)]
    tasks = [asyncio.create_task(outer(locks[index % 100]), name=f"worker-{index}") for index in range(number)]
    await asyncio.sleep(0)
    asynctb.snapshot().save(path)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def timed(function: Callable[[], Any], rounds: int = 1) -> float:
    """Return the milliseconds that a call takes at best."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return 1000 * min(taken)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    source = Path(__file__).resolve()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "snapshot.json")
        asyncio.run(save(path, number))
        answers = Answers()
        answers.workspace = Workspace(None)
        text = source.read_text(encoding="utf-8")
        answers.workspace.put_text_document(types.TextDocumentItem(source.as_uri(), "python", 1, text))
        document = answers.workspace.get_text_document(source.as_uri())
        print(f"snapshot of {number} tasks: {timed(lambda: answers.paused('one', read_document(path))):.0f} ms")
    line = next(index for index, each in enumerate(text.splitlines()) if "async with lock:" in each)
    here = types.Position(line, 16)
    everywhere = types.Range(types.Position(0, 0), types.Position(line + 1000, 0))
    questions: Dict[str, Callable[[], Any]] = {
        "code lenses": lambda: answers.code_lenses(document),
        "inlay hints": lambda: answers.inlay_hints(document, everywhere),
        "hover": lambda: answers.hover(document, here),
        "symbols": lambda: answers.symbols("worker-77"),
        "references": lambda: answers.references(document, types.Position(line - 1, 12)),
        "call hierarchy": lambda: answers.prepared(document, here),
        "diagnostics": lambda: answers.diagnostics(document),
    }
    for name, ask in questions.items():
        assert ask() or name == "diagnostics"
        print(f"{name:14} {timed(ask, ROUNDS):5.1f} ms")


if __name__ == "__main__":
    main()
