"""Where a call is refused while a payload is read or written: which payload, and whose default makes the call.

A default such as `datetime.now` is called from C, and no frame shows the class that has it.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, get_args

from pydantic import BaseModel

from holdfast import codec
from holdfast._guard.table import Call

_DOES = {"decode_by": "is decoded", "encode_by": "is encoded"}


@dataclass(frozen=True, slots=True)
class Payload:
    """Say when the call is made, as the end of a sentence, and what to do about it, if that is special."""

    when: str
    remedy: str


def payload_of(call: Call, frames: list[FrameType]) -> Payload | None:
    """Return what is read or written where these frames lead; None when that is no payload."""
    for index, frame in enumerate(frames):
        does = _DOES.get(frame.f_code.co_name)
        if does is not None and frame.f_code.co_filename == codec.__file__:
            what, plan = frame.f_locals["what"], frame.f_locals["plan"]
            field = _field_of(call, frames[:index], plan.annotation)
            when = f"while {what[0].lower()}{what[1:]} {does}"
            if not field:
                return Payload(when, "")
            remedy = f"Give {field} a plain value as its default, such as None, and set it where the object is made"
            return Payload(
                f"{when}: it makes the default of {field}, of which nothing is recorded", remedy
            )
    return None


def _field_of(call: Call, frames: list[FrameType], annotation: Any) -> str:
    codes = {frame.f_code for frame in frames}
    name = call.name.rpartition(".")[2]
    for field, factory in _factories(annotation, set()):
        made_by = factory.func if isinstance(factory, functools.partial) else factory
        code = getattr(made_by, "__code__", None)
        if code in codes or (code is None and getattr(made_by, "__name__", "") == name):
            return field
    return ""


def _factories(annotation: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield the fields that a value of this type may have, at any depth, and what makes their defaults."""
    if id(annotation) in seen:
        return
    seen.add(id(annotation))
    for part in get_args(annotation):
        yield from _factories(part, seen)
    for name, kind, factory in _fields(annotation):
        if factory is not None and factory is not dataclasses.MISSING:
            yield f"{annotation.__name__}.{name}", factory
        yield from _factories(kind, seen)


def _fields(annotation: Any) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(name, field.annotation, field.default_factory) for name, field in annotation.model_fields.items()]  # fmt: skip
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        # A default may be a `Field(default_factory=…)` of pydantic.
        return [
            (
                field.name,
                field.type,
                getattr(field.default, "default_factory", field.default_factory),
            )
            for field in dataclasses.fields(annotation)
        ]
    return ()
