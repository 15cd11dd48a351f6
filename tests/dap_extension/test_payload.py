"""The payload: what it carries, that it is always the same, and how it keeps apart from the program."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Set

import pytest
from interpreters import Interpreter, find_interpreters

from dap_extension.payload import _standard_imports, collect_sources, main, payload_expression, payload_key

# Imports what travelled, in a process that has none of it installed and whose import hooks must not be asked.
PROGRAM = """
import sys
asked = []
class Hook:
    @staticmethod
    def find_spec(name, path=None, target=None):
        asked.append(name)
before = set(sys.modules)
sys.meta_path.insert(0, Hook)
data = sys.stdin.read().partition("a2b_base64('")[2].partition("'")[0]
source = __import__("zlib").decompress(__import__("binascii").a2b_base64(data)).decode()
# All but the last call, which needs a debugger.
source, _, rest = source.rpartition("\\nImporter(")
namespace = {}
exec(source, namespace)
importer = eval("Importer(" + rest.rpartition(".load(")[0], namespace)
importer.load("dap_extension.debuggee._service")
for path in sorted(importer._sources):
    if path.startswith("asynctb/_frameworks/"):
        importer.load(path[:-3].replace("/", ".").replace(".__init__", ""))
sys.meta_path.remove(Hook)
assert not [name for name in asked if "asynctb" in name or "attr" in name or "dap" in name], asked
new = set(sys.modules) - before
foreign = {"asynctb", "attr", "attrs", "dap_extension", "trio"}
assert not [name for name in new if name.partition(".")[0] in foreign], new
assert "asyncio" not in sys.modules
try:
    importer("trio")
except ModuleNotFoundError as error:
    assert "has not imported" in str(error)
else:
    raise AssertionError("a framework was imported")
print(len(importer._modules), "modules")
"""


def test_deterministic(tmp_path: Path) -> None:
    assert main([str(tmp_path / "one")]) == 0
    text = (tmp_path / "one").read_bytes()
    assert text.decode("ascii") == payload_expression()
    other = [sys.executable, "-X", "utf8=0", "-m", "dap_extension.payload", str(tmp_path / "two")]
    subprocess.run(other, check=True, env={"PYTHONHASHSEED": "7", "PATH": "", "LC_ALL": "C"})
    assert (tmp_path / "two").read_bytes() == text


def test_is_one_expression_without_a_value() -> None:
    expression = payload_expression()
    assert "\n" not in expression
    tree = ast.parse(expression, mode="eval")
    assert isinstance(tree.body, ast.Call)
    assert isinstance(tree.body.func, ast.Name)
    assert tree.body.func.id == "exec"


def test_what_travels() -> None:
    sources = collect_sources()
    assert {path.partition("/")[0] for path in sources} == {"asynctb", "attr", "dap_extension"}
    assert "dap_extension/protocol.py" in sources
    assert not [path for path in sources if "client" in path or path.endswith("payload.py")]
    assert len(payload_key()) == 16


def test_all_standard_modules_are_known_that_are_imported() -> None:
    sources = collect_sources()
    names: Set[str] = set()
    for text in sources.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).partition(".")[0])
    assert _standard_imports(sources) == names & {*sys.stdlib_module_names, "annotationlib"}


def test_nothing_that_travels_is_imported_for_it() -> None:
    code = "import sys, dap_extension.payload as p; p.payload_expression(); print('asynctb' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


@pytest.mark.parametrize("interpreter", find_interpreters(), ids=lambda interpreter: str(interpreter.name))
def test_imports_apart_from_the_program(interpreter: Interpreter) -> None:
    result = subprocess.run(
        [interpreter.path, "-I", "-S", "-W", "error", "-c", PROGRAM],
        input=payload_expression(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(" modules\n")
