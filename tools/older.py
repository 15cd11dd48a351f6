"""Makes the core for CPython 3.6 and 3.7 from the sources, which are written for 3.8.

``python tools/older.py wheel DIST/asynctb-VERSION-py3-none-any.whl`` makes a second wheel of the same version from the
ordinary one, and puts it beside that. Its tags, which pip prefers on these interpreters and knows on no other, and
``Requires-Python`` make pip choose right. It has the library alone: debugger and command need later interpreters.

``python tools/older.py tree SOURCE... TARGET`` copies files and folders, such as the tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import List, Optional

import libcst as cst

#: These interpreters have no others of their names and are the only ones that take the wheel.
TAGS = ("cp36-none-any", "cp37-none-any")
REQUIRES_PYTHON = ">=3.6.2,<3.8"
#: Of `typing`, what `typing_extensions` has for these interpreters.
LATER_TYPING = frozenset({"Literal", "NotRequired", "Protocol", "TypedDict"})
TYPING_EXTENSIONS = "typing-extensions>=4.1"


class _Older(cst.CSTTransformer):
    """Has annotations as text, as ``from __future__ import annotations`` would, and later names of `typing`."""

    def leave_Annotation(self, original_node: cst.Annotation, updated_node: cst.Annotation) -> cst.Annotation:
        if isinstance(original_node.annotation, (cst.SimpleString, cst.ConcatenatedString)):
            return updated_node
        text = " ".join(cst.Module([]).code_for_node(original_node.annotation).split())
        return updated_node.with_changes(annotation=cst.SimpleString(repr(text)))

    # Tuples without parentheses are later there than elsewhere.

    def leave_AnnAssign(self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign) -> cst.AnnAssign:
        return updated_node.with_changes(value=_in_parentheses(updated_node.value))

    def leave_Return(self, original_node: cst.Return, updated_node: cst.Return) -> cst.Return:
        return updated_node.with_changes(value=_in_parentheses(updated_node.value))

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine:
        body: List[cst.BaseSmallStatement] = []
        for statement in updated_node.body:
            body += _imports(statement) if isinstance(statement, cst.ImportFrom) else [statement]
        body = [each.with_changes(semicolon=cst.MaybeSentinel.DEFAULT) for each in body]
        return updated_node.with_changes(body=body)


def _in_parentheses(value: Optional[cst.BaseExpression]) -> Optional[cst.BaseExpression]:
    if not isinstance(value, cst.Tuple) or value.lpar:
        return value
    return value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _imports(statement: cst.ImportFrom) -> List[cst.BaseSmallStatement]:
    """Return what stands for an import."""
    module = cst.Module([]).code_for_node(statement.module) if statement.module is not None else ""
    if isinstance(statement.names, cst.ImportStar):
        return [statement]
    if module == "__future__":
        kept = [alias for alias in statement.names if alias.name.value != "annotations"]
        return [_importing(statement, kept)] if kept else [cst.Pass()]
    later = [alias for alias in statement.names if alias.name.value in LATER_TYPING]
    if module != "typing" or not later:
        return [statement]
    others = [alias for alias in statement.names if alias not in later]
    extensions = _importing(statement, later).with_changes(module=cst.Name("typing_extensions"))
    return [_importing(statement, others), extensions] if others else [extensions]


def _importing(statement: cst.ImportFrom, names: List[cst.ImportAlias]) -> cst.ImportFrom:
    return statement.with_changes(names=[*names[:-1], names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)])


def older(text: str) -> str:
    """Return a module of Python 3.8 as one of 3.6, with each statement at its line."""
    return cst.parse_module(text).visit(_Older()).code


def convert(path: Path) -> None:
    """Rewrite a module, or those of a folder."""
    for file in path.rglob("*.py") if path.is_dir() else [path] if path.suffix == ".py" else []:
        file.write_text(older(file.read_text("utf-8")), "utf-8")


def make_wheel(ordinary: Path) -> Path:
    """Make the wheel from the ordinary one, in the same folder."""
    with tempfile.TemporaryDirectory() as folder:
        _wheel("unpack", "-d", folder, str(ordinary))
        (root,) = Path(folder).iterdir()
        (info,) = root.glob("*.dist-info")
        for path in (*root.iterdir(), info / "entry_points.txt"):
            if path not in (root / "asynctb", info):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        convert(root / "asynctb")
        metadata = _headers(info / "METADATA")
        metadata.replace_header("Requires-Python", REQUIRES_PYTHON)
        needed = [each for each in metadata.get_all("Requires-Dist", []) if "extra ==" not in each]
        del metadata["Requires-Dist"], metadata["Provides-Extra"]
        for requirement in (*needed, TYPING_EXTENSIONS):
            metadata["Requires-Dist"] = requirement
        (info / "METADATA").write_text(metadata.as_string(), "utf-8")
        tags = _headers(info / "WHEEL")
        del tags["Tag"]
        for tag in TAGS:
            tags["Tag"] = tag
        (info / "WHEEL").write_text(tags.as_string(), "utf-8")
        _wheel("pack", "-d", str(ordinary.parent), str(root))
    (made,) = ordinary.parent.glob("{}-{}-cp36*.whl".format(*ordinary.name.split("-")))
    return made


def _headers(path: Path) -> Message:
    return message_from_string(path.read_text("utf-8"))


def _wheel(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "wheel", *arguments], check=True, stdout=subprocess.DEVNULL)


def copy_tree(sources: List[Path], target: Path) -> None:
    """Copy files and folders into a new folder, as modules of the older Python."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, target / source.name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(source, target)
        convert(target / source.name)


def main(command: str, *arguments: str) -> None:
    paths = [Path(argument) for argument in arguments]
    if command == "wheel":
        print(make_wheel(*paths))
    else:
        copy_tree(paths[:-1], paths[-1])


if __name__ == "__main__":
    main(*sys.argv[1:])
