"""The examples of the guide print what it says they print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from asynctb import Registration
from asynctb._stacks import customize

GUIDE = Path(__file__).parents[3] / "docs" / "customizing.md"


def blocks() -> List[Tuple[str, str, int]]:
    """Return the language, text and line of the code blocks."""
    text = GUIDE.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(match[1], match[2], text[: match.start()].count("\n") + 2) for match in found]


@pytest.mark.skipif(not GUIDE.exists(), reason="only in the repository")
def test_guide() -> None:
    space: Dict[str, Any] = {"__name__": "guide"}
    printed = ""
    finders = list(customize.stack_finders)
    try:
        for language, text, line in blocks():
            if language == "python":
                output = io.StringIO()
                with contextlib.redirect_stdout(output):
                    exec(compile("\n" * (line - 1) + text, str(GUIDE), "exec"), space)
                assert not printed, f"line {line}: the guide does not show what the example before printed"
                printed = output.getvalue()
            elif language == "text":
                assert printed == text, f"line {line}"
                printed = ""
        assert not printed
        space["_asynctb_install_"](Registration())
    finally:
        customize.stack_finders[:] = finders
        for value in list(space.values()):
            if hasattr(value, "cr_frame"):
                value.close()
