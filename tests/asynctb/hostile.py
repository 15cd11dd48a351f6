"""Objects whose every special method raises and is recorded, once they are armed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Tuple

calls: List[str] = []
_armed = False


def _words(text: str) -> List[str]:
    return text.split()


def _dunders(text: str) -> List[str]:
    return [f"__{name}__" for name in text.split()]


#: What the interpreter looks up on a type, without what makes an object or ends it.
_METHODS = _dunders("""
abs add aenter aexit aiter and anext await bool buffer bytes call ceil complex contains copy deepcopy delattr delete
delitem dir divmod enter eq exit float floor floordiv format fspath ge get getattr getattribute getitem getstate gt
hash iadd iand ifloordiv ilshift imatmul imod imul index instancecheck int invert ior ipow irshift isub iter itruediv
ixor le len length_hint lshift lt matmul missing mod mul ne neg next or pos pow radd rand rdivmod reduce reduce_ex repr
reversed rfloordiv rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor set setattr setitem
setstate sizeof str sub subclasscheck truediv trunc xor
""")
#: What looks like data: attributes that the extraction reads of library objects and of built-in ones.
_PROPERTIES = _dunders("class wrapped self func code traceback")
_PROPERTIES += _words(
    "cr_frame cr_await cr_running gi_frame ag_frame gen _exit_callbacks _lock _owner _value thing name"
)


def _record(name: str) -> None:
    if _armed:
        calls.append(name)
        raise ZeroDivisionError(name)


def _method(name: str, fallback: Any) -> Any:
    def method(*args: Any, **kwargs: Any) -> Any:
        _record(name)
        return fallback(*args, **kwargs) if fallback is not None else NotImplemented

    return method


def _hostile_class(name: str) -> Any:
    def get(obj: object) -> type:
        _record(name)
        return type(obj)

    return property(get, lambda obj, value: object.__setattr__(obj, "__class__", value))


def _field(name: str) -> Any:
    """Return a property that keeps its value in the instance dictionary, as the attribute would be."""

    def get(obj: Any) -> Any:
        _record(name)
        return object.__getattribute__(obj, "__dict__").get(name)

    def set_(obj: Any, value: Any) -> None:
        object.__getattribute__(obj, "__dict__")[name] = value

    return property(get, set_)


def _namespace(base: type) -> Dict[str, Any]:
    """Return methods that do what those of *base* do, until they are armed."""
    found: Dict[str, Any] = {}
    for name in _METHODS:
        inherited = getattr(base, name) if any(name in vars(cls) for cls in type.mro(base)) else None
        # Having some of them changes what an object is taken for.
        if inherited is not None or name not in _dunders("getattr set delete get buffer hash call await"):
            found[name] = _method(f"{base.__name__}.{name}", inherited)
    for name in _PROPERTIES:
        found[name] = _field(name)
    return {**found, "__class__": _hostile_class(f"{base.__name__}.__class__")}


Meta: Any = type(
    "Meta",
    (type,),
    {
        **{
            name: _method(f"metaclass {name}", getattr(type, name))
            for name in _dunders("eq ne hash repr str getattribute setattr delattr instancecheck subclasscheck dir")
        },
        **{
            name: property(_method(f"metaclass {name}", type.__dict__[name].__get__))
            for name in _dunders("name mro bases dict")
        },
        "__bool__": _method("metaclass __bool__", lambda cls: True),
        "__iter__": _method("metaclass __iter__", None),
        "__class__": _hostile_class("metaclass __class__"),
    },
)


class HostileStr(str):
    """Text that records when anything is asked of it."""

    for _name in _dunders("eq ne hash str repr format len contains getitem add mod iter lt getattribute"):
        locals()[_name] = _method(f"str {_name}", getattr(str, _name))


def hostile_type(name: str, *bases: type, **kept: Any) -> Any:
    """Return a class with a hostile metaclass and hostile special methods, but for those in *kept*."""
    base = bases[0] if bases else object
    meta = Meta if type(base) is type else type("Meta", (Meta, type(base)), {})
    names = {"__qualname__": HostileStr(name), "__module__": HostileStr("hostile")}
    return meta(name, bases, {**_namespace(base), **kept, **names})


@contextmanager
def armed() -> Iterator[None]:
    """Let all hostile objects record and raise in this block; then fail if any did."""
    global _armed
    calls.clear()
    _armed = True
    try:
        yield
    finally:
        _armed = False
    assert not calls, calls


def manager_types() -> Tuple[Any, Any]:
    """Return a hostile context manager type and an asynchronous one."""

    def enter(self: Any) -> Any:
        return self

    def leave(self: Any, *exc: Any) -> None:
        return None

    async def aenter(self: Any) -> Any:
        return self

    async def aleave(self: Any, *exc: Any) -> None:
        return None

    return (
        hostile_type("Manager", __enter__=enter, __exit__=leave),
        hostile_type("AsyncManager", __aenter__=aenter, __aexit__=aleave),
    )
