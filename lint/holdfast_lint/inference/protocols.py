"""The methods that the language and its built-ins call by themselves on objects of the project."""

from collections.abc import Iterable

from holdfast_lint import model
from holdfast_lint.inference.application import apply
from holdfast_lint.inference.frame import Frame
from holdfast_lint.inference.lookup import lineage, look_up_attribute
from holdfast_lint.inference.results import Arguments
from holdfast_lint.model import Class, Span
from holdfast_lint.values import NOTHING, External, Instance, Values, join

TEXT = ("__format__", "__str__", "__repr__")
TRUTH = ("__bool__", "__len__")
LOOP = ("__iter__", "__getitem__")
# Which methods a built-in looks for on its first argument; the first that the class has is called.
BUILT_IN: dict[str, tuple[str, ...]] = {
    "abs": ("__abs__",),
    "all": LOOP,
    "any": LOOP,
    "bool": TRUTH,
    "bytes": ("__bytes__",),
    "dict": LOOP,
    "enumerate": LOOP,
    "float": ("__float__", "__index__"),
    "format": TEXT,
    "frozenset": LOOP,
    "hash": ("__hash__",),
    "int": ("__int__", "__index__"),
    "iter": LOOP,
    "len": ("__len__",),
    "list": LOOP,
    "max": LOOP,
    "min": LOOP,
    "next": ("__next__",),
    "repr": ("__repr__",),
    "reversed": ("__reversed__", "__getitem__"),
    "round": ("__round__",),
    "set": LOOP,
    "sorted": LOOP,
    "str": ("__str__", "__repr__"),
    "sum": LOOP,
    "tuple": LOOP,
}
# What an operator calls on its left operand, and on its right one.
OPERATORS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Add": (("__add__",), ("__radd__",)),
    "Subtract": (("__sub__",), ("__rsub__",)),
    "Multiply": (("__mul__",), ("__rmul__",)),
    "MatrixMultiply": (("__matmul__",), ("__rmatmul__",)),
    "Divide": (("__truediv__",), ("__rtruediv__",)),
    "FloorDivide": (("__floordiv__",), ("__rfloordiv__",)),
    "Modulo": (("__mod__",), ("__rmod__",)),
    "Power": (("__pow__",), ("__rpow__",)),
    "LeftShift": (("__lshift__",), ("__rlshift__",)),
    "RightShift": (("__rshift__",), ("__rrshift__",)),
    "BitAnd": (("__and__",), ("__rand__",)),
    "BitOr": (("__or__",), ("__ror__",)),
    "BitXor": (("__xor__",), ("__rxor__",)),
    "Minus": (("__neg__",), ()),
    "Plus": (("__pos__",), ()),
    "BitInvert": (("__invert__",), ()),
    "Not": (TRUTH, ()),
    "Equal": (("__eq__",), ("__eq__",)),
    "NotEqual": (("__ne__", "__eq__"), ("__ne__", "__eq__")),
    "LessThan": (("__lt__",), ("__gt__",)),
    "LessThanEqual": (("__le__",), ("__ge__",)),
    "GreaterThan": (("__gt__",), ("__lt__",)),
    "GreaterThanEqual": (("__ge__",), ("__le__",)),
    "In": ((), ("__contains__", "__iter__")),
    "NotIn": ((), ("__contains__", "__iter__")),
}


def call_first(
    frame: Frame, values: Values, names: Iterable[str], span: Span, *given: Values
) -> Values:
    """Call the first of some methods that each object of the project has; others have nothing that shows."""
    wanted = tuple(names)
    found = NOTHING
    for value in values:
        name = _first(frame, value.definition, wanted) if isinstance(value, Instance) else None
        if name is not None:
            arguments = Arguments(positional=given, given=len(given))
            methods = look_up_attribute(frame, value, name)
            found |= join(apply(frame, method, arguments, span) for method in methods)
    return found


def call_built_in(frame: Frame, callees: Values, arguments: Arguments, span: Span) -> None:
    """Call what built-ins such as `str()` and `len()` call on their first argument."""
    for callee in callees:
        if isinstance(callee, External) and arguments.positional:
            names = BUILT_IN.get(callee.name.removeprefix("builtins."), ())
            call_first(frame, arguments.positional[0], names, span)


def call_operators(frame: Frame, operation: model.Operation, parts: list[Values]) -> Values:
    """Call what the operators of an expression call on its operands."""
    span, found = operation.span, NOTHING
    if operation.kind == "text":
        for part in parts:
            call_first(frame, part, TEXT, span)
    for place, operator in enumerate(operation.operators):
        left, right = OPERATORS.get(operator, ((), ()))
        other = parts[place + 1 : place + 2]
        found |= call_first(frame, parts[place], left, span, *other)
        for values in other:
            found |= call_first(frame, values, right, span, parts[place])
    return found


def _first(frame: Frame, definition: Class, names: tuple[str, ...]) -> str | None:
    offered = {
        name
        for item in lineage(frame, definition)
        if isinstance(item, Class)
        for name in frame.program.project.attributes(item)
    }
    return next((name for name in names if name in offered), None)
