"""What a type annotation says about a value."""

from holdfast_lint import model
from holdfast_lint.inference.frame import Frame
from holdfast_lint.inference.lookup import look_up_attribute, look_up_name
from holdfast_lint.model import CollectionKind, Expression
from holdfast_lint.values import (
    NOTHING,
    UNKNOWN,
    ClassRef,
    Collection,
    External,
    Instance,
    Values,
    collection,
    instance_of,
    join,
    one,
)

KINDS: dict[str, CollectionKind] = {
    "AsyncGenerator": "generator",
    "AsyncIterable": "generator",
    "AsyncIterator": "generator",
    "Collection": "list",
    "Dict": "dict",
    "FrozenSet": "set",
    "Generator": "generator",
    "Iterable": "generator",
    "Iterator": "generator",
    "List": "list",
    "Mapping": "dict",
    "MutableMapping": "dict",
    "Sequence": "list",
    "Set": "set",
    "Tuple": "tuple",
    "deque": "list",
    "dict": "dict",
    "frozenset": "set",
    "list": "list",
    "set": "set",
    "tuple": "tuple",
}
TRANSPARENT = frozenset(
    {"Annotated", "Awaitable", "ClassVar", "Coroutine", "Final", "Optional", "Required", "Union"}
)
TYPING = ("builtins.", "typing.", "typing_extensions.", "collections.abc.", "collections.")


def annotated(frame: Frame, annotation: Expression | None) -> Values:
    """Give the values that an annotation allows; nothing when it does not narrow them."""
    match annotation:
        case model.Name() | model.Attribute():
            return join(_instance(frame, value) for value in _named(frame, annotation))
        case model.Subscript(base=base, indices=indices):
            return join(_generic(frame, value, indices) for value in _named(frame, base))
        case model.Operation(kind="binary", operands=operands):
            return join(annotated(frame, operand) for operand in operands)
        case model.Constant(kind="NoneType"):
            return instance_of("NoneType")
        case _:
            return NOTHING


def _named(frame: Frame, expression: Expression) -> Values:
    match expression:
        case model.Name(id=name):
            return look_up_name(frame, name)
        case model.Attribute(base=base, name=name):
            return join(look_up_attribute(frame, value, name) for value in _named(frame, base))
        case _:
            return UNKNOWN


def _instance(frame: Frame, value: object) -> Values:
    match value:
        case ClassRef(definition=definition):
            return one(Instance(definition=definition))
        case External(name=name) if name.startswith(TYPING) and name.rpartition(".")[2] in KINDS:
            return collection(KINDS[name.rpartition(".")[2]], NOTHING)
        case External(name=name) if _is_vague(name):
            return NOTHING
        case External(name=name):
            return frame.outside(f"{name}()")
        case Collection() | Instance():
            return NOTHING
        case _:
            return NOTHING


def _is_vague(name: str) -> bool:
    return name.endswith("()") or name == "builtins.object" or name.startswith(TYPING[1:])


def _generic(frame: Frame, base: object, indices: tuple[Expression, ...]) -> Values:
    if not isinstance(base, External) or not base.name.startswith(TYPING):
        return _instance(frame, base)
    name = base.name.rpartition(".")[2]
    if name in KINDS:
        kind = KINDS[name]
        meant = indices[:1] if kind == "generator" else indices[-1:] if kind == "dict" else indices
        return collection(kind, join(annotated(frame, index) for index in meant))
    if name in {"Awaitable", "Coroutine"}:
        return annotated(frame, indices[-1]) if indices else NOTHING
    if name in {"type", "Type"}:
        return join(_named(frame, index) for index in indices)
    if name in TRANSPARENT:
        meant = indices[:1] if name == "Annotated" else indices
        found = join(annotated(frame, index) for index in meant)
        return found | instance_of("NoneType") if name == "Optional" else found
    return NOTHING
