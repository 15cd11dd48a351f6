"""A real Emacs, with dape and eglot, by the recipe of the documentation: what its user sees at a stop in a deadlock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from debugging import PROGRAMS, TIMEOUT

REPOSITORY = Path(__file__).parents[2]
DRIVER = REPOSITORY / "tests" / "editors" / "emacs.el"
#: Where tests/editors/install-emacs has put it.
EMACS = os.environ.get("ASYNCTB_EMACS", "")
COMMANDS = {"asynctb": "dap_extension.client", "asynctb-language-server": "dap_extension.language_server"}


@pytest.mark.skipif(not Path(EMACS).is_file(), reason="ASYNCTB_EMACS names no Emacs with dape")
def test_emacs_itself(tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, module in COMMANDS.items():
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        (commands / name).chmod(0o755)
    recipe = (REPOSITORY / "docs" / "editors.md").read_text(encoding="utf-8").partition("### Emacs\n")[2]
    (tmp_path / "recipe.el").write_text(recipe.partition("```elisp\n")[2].partition("```")[0], encoding="utf-8")
    source = Path(shutil.copy(PROGRAMS / "two_locks.py", tmp_path))
    lines = source.read_text().splitlines()
    result = subprocess.run(
        [EMACS, "--batch", "-Q", "-l", str(DRIVER)],
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "PATH": os.pathsep.join([str(commands), os.environ["PATH"]]),
            "PYTHONPATH": str(REPOSITORY),
            "RECIPE": str(tmp_path / "recipe.el"),
            "SOURCE": str(source),
        },
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=10 * TIMEOUT,
    )
    assert result.stdout, result.stderr
    seen = json.loads(result.stdout)
    assert seen["threads"][1:] == ["transfer-1 — suspended: lock", "transfer-2 — suspended: lock"]
    assert "\nDeadlock: task transfer-1 waits for lock at two_locks.py:" in seen["console"]
    (wants,) = [number for number, line in enumerate(lines, 1) if line.endswith("# @wants")]
    assert {line for line, _ in seen["diagnostics"]} == {wants}
    assert "Deadlock: task transfer-1 waits for lock" in seen["diagnostics"][0][1]
