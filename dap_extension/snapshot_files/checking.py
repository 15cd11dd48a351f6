"""Checks data against `schema.json`: the part of JSON Schema that is used there, and quickly."""

from __future__ import annotations

import functools
import json
import re
from importlib.resources import files
from typing import Any, Callable, Dict, List, Optional, Tuple

#: Returns what is wrong with a value: where, and what should stand there; None if nothing is.
Check = Callable[[Any], Optional[Tuple[str, str]]]

_TYPES: Dict[str, Tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_LIMITS = ("minimum", "maximum", "minLength", "maxLength")


def schema() -> Any:
    """Return the schema of snapshot files."""
    return json.loads((files(__package__) / "schema.json").read_text(encoding="utf-8"))


def problem(value: object) -> Optional[str]:
    """Return what is wrong with a document as a whole, in words that show nothing of its values; None if nothing is.

    What the schema does not know is removed: it comes from a later version, and whoever walks through the document
    would take it for something else.

    :raises RecursionError: if it is nested too deeply.
    """
    wrong = _check_document()(value)
    return None if wrong is None else f"{wrong[0].lstrip('.') or 'the whole'} should be {wrong[1]}"


@functools.lru_cache(maxsize=None)
def _check_document() -> Check:
    whole = schema()
    definitions: Dict[str, Check] = {}
    for name, part in whole["$defs"].items():
        definitions[f"#/$defs/{name}"] = _compile(part, definitions)
    return _compile(whole, definitions)


def _compile(part: Any, definitions: Dict[str, Check]) -> Check:
    if "$ref" in part:
        reference = part["$ref"]
        return lambda value: definitions[reference](value)
    if "anyOf" in part:
        return _any_of([_compile(each, definitions) for each in part["anyOf"]])
    if "const" in part:
        return _one_of([part["const"]])
    if "enum" in part:
        return _one_of(part["enum"])
    kind = part["type"]
    if kind == "object":
        return _object(part, definitions)
    if kind == "array":
        return _array(_compile(part["items"], definitions))
    return _scalar(kind, part)


def _one_of(values: List[Any]) -> Check:
    wrong = "", "one of " + ", ".join(map(repr, values)) if len(values) > 1 else repr(values[0])
    # True is equal to 1.
    return lambda value: None if any(type(value) is type(each) and value == each for each in values) else wrong


def _any_of(checks: List[Check]) -> Check:
    def check(value: Any) -> Optional[Tuple[str, str]]:
        wrong = None
        for each in checks:
            wrong = each(value)
            if wrong is None:
                break
        return wrong

    return check


def _array(item: Check) -> Check:
    def check(value: Any) -> Optional[Tuple[str, str]]:
        if type(value) is not list:
            return "", "an array"
        for index, each in enumerate(value):
            wrong = item(each)
            if wrong is not None:
                return f"[{index}]{wrong[0]}", wrong[1]
        return None

    return check


def _object(part: Any, definitions: Dict[str, Check]) -> Check:
    required = part.get("required", ())
    properties = {key: _compile(each, definitions) for key, each in part.get("properties", {}).items()}
    names = re.compile(part["propertyNames"]["pattern"]) if "propertyNames" in part else None
    others = _compile(part["additionalProperties"], definitions) if "additionalProperties" in part else None

    def check(value: Any) -> Optional[Tuple[str, str]]:
        if type(value) is not dict:
            return "", "an object"
        for key in required:
            if key not in value:
                return f".{key}", "present"
        for key, item in value.items():
            checked = properties.get(key, others)
            if checked is not None:
                wrong = checked(item)
                if wrong is not None:
                    return f".{key}{wrong[0]}" if key in properties else wrong[0], wrong[1]
            if names is not None and names.fullmatch(key) is None:
                return "", "an object whose keys are numbers"
        if others is None:
            for key in value.keys() - properties.keys():
                del value[key]
        return None

    return check


def _scalar(kind: str, part: Any) -> Check:
    types = _TYPES[kind]
    least, most, shortest, longest = (part.get(name) for name in _LIMITS)
    pattern = re.compile(part["pattern"]) if "pattern" in part else None
    wrong = "", f"a {kind} of the right size" if kind != "integer" else "an integer of the right size"

    def check(value: Any) -> Optional[Tuple[str, str]]:
        # Not isinstance: a boolean is an int for it.
        if type(value) not in types:
            return wrong
        if least is not None and not least <= value <= most:
            return wrong
        if longest is not None and not (shortest or 0) <= len(value) <= longest:
            return wrong
        return wrong if pattern is not None and pattern.fullmatch(value) is None else None

    return check
