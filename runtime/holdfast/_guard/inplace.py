"""Changing functions and classes of the interpreter where they are, so that every reference sees the change.

Workflow code says `time.time()`, but also `from time import time`, `default_factory=time.time`, or calls a library that
did so long ago. Replacing names in modules would miss some of these. So the function object itself is changed: it
keeps its identity, name, signature and place in pickles, and calls something else. CPython alone has such objects;
their layout is the same in every version from 3.8 on, and is compared with what the interpreter says before it is used.
"""

import ctypes
import gc
from collections.abc import Callable
from types import BuiltinFunctionType, ModuleType
from typing import Any, ClassVar, TypeAlias

_HEAD = object.__basicsize__  # reference count and type
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_FLAGS_OF_TYPE = _HEAD + 19 * _POINTER
_IMMUTABLE = 1 << 8

_NO_ARGUMENTS, _ONE_ARGUMENT, _TUPLE, _TUPLE_AND_NAMES = 0x4, 0x8, 0x1, 0x3
_VECTOR, _VECTOR_AND_NAMES = 0x80, 0x82
_KIND_OF_METHOD = (
    0x10 | 0x20 | 0x40
)  # of a class, static, beside a slot: of no account once it is bound
# By calling convention, the function of the C API that calls its first argument with the others.
_CALLERS = {
    _NO_ARGUMENTS: "PyObject_CallNoArgs",
    _ONE_ARGUMENT: "PyObject_CallOneArg",
    _TUPLE: "PyObject_CallObject",
    _TUPLE_AND_NAMES: "PyObject_Call",
    _VECTOR_AND_NAMES: "PyObject_Vectorcall",
}
_KEPT: list[Any] = []  # the interpreter holds plain pointers to these


_Fields: TypeAlias = list[tuple[str, Any]]


class _MethodDef(ctypes.Structure):
    _fields_: ClassVar[_Fields] = [  # type: ignore[mutable-override]  # the stub allows any sequence
        ("name", ctypes.c_void_p),
        ("call", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_void_p),
    ]


class _Builtin(ctypes.Structure):
    _fields_: ClassVar[_Fields] = [  # type: ignore[mutable-override]  # the stub allows any sequence
        ("definition", ctypes.c_void_p),
        ("owner", ctypes.c_void_p),
        ("module", ctypes.c_void_p),
        ("references", ctypes.c_void_p),
        ("vector", ctypes.c_void_p),
    ]


def divert(function: Any, guard: Callable[[Callable[..., Any]], Callable[..., Any]]) -> bool:
    """Let a function of the interpreter call what `guard` makes of the original; False when it cannot be done."""
    if type(function) is not BuiltinFunctionType:
        return False
    body = _Builtin.from_address(id(function) + _HEAD)
    if body.owner != id(function.__self__):
        return False
    old = _MethodDef.from_address(body.definition)
    flags, vector = old.flags & ~_KIND_OF_METHOD, body.vector
    if flags == _VECTOR:  # nothing in the C API fits it, so it takes names as well
        flags, vector = _VECTOR_AND_NAMES, _Builtin.from_address(id(sorted) + _HEAD).vector
    if flags not in _CALLERS:
        return False
    stand = _stand_in(function.__name__, guard(_copy(body.definition, function)), function.__self__)
    caller = ctypes.cast(getattr(ctypes.pythonapi, _CALLERS[flags]), ctypes.c_void_p).value
    new = _MethodDef(old.name, caller, flags, old.doc)
    _KEPT.extend((function, function.__self__, stand, new))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(stand))  # the function owns what it points to
    # One copy, during which no other thread runs: they see the old function or the new one.
    changed = _Builtin(ctypes.addressof(new), id(stand), body.module, body.references, vector)
    ctypes.memmove(ctypes.addressof(body), ctypes.byref(changed), ctypes.sizeof(changed))
    return True


def _stand_in(name: str, call: Callable[..., Any], owner: Any) -> Any:
    """Return an object that is called with the arguments of the function, and that pickle takes for its owner."""
    body: dict[str, Any] = {"__call__": staticmethod(call)}
    if isinstance(owner, ModuleType):
        return type("Stand", (ModuleType,), body)(name)
    return type("Stand", (), {**body, "__reduce__": lambda _: (_same, (owner,))})()


def _same(owner: Any) -> Any:
    return owner


def _copy(definition: int, function: BuiltinFunctionType) -> Callable[..., Any]:
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    copied: Callable[..., Any] = make(definition, function.__self__, function.__module__)
    return copied


def set_method(owner: type, name: str, value: Any) -> None:
    """Set a method, also on a class that is written in C and does not allow it."""
    if not owner.__flags__ & _IMMUTABLE:
        setattr(owner, name, value)
    elif name.startswith("__"):
        _set_slot(owner, name, value)
    else:
        entries = gc.get_referents(owner.__dict__)[0]  # the dictionary behind the read-only view
        entries[name] = value
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def _set_slot(owner: type, name: str, value: Any) -> None:
    """Set a method that has a place in the C structure of the class too, as an ordinary class would."""
    flags = ctypes.c_ulong.from_address(id(owner) + _FLAGS_OF_TYPE)
    if flags.value != owner.__flags__:
        return  # not the layout that is known: better unguarded than broken
    flags.value &= ~_IMMUTABLE
    try:
        type.__setattr__(owner, name, value)
    finally:
        flags.value |= _IMMUTABLE
