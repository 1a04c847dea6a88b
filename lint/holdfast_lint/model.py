"""Code as values: the part of Python's syntax that the analysis reads, without any parser type."""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Say where a node stands; lines count from one, columns from zero."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Name:
    """Read a name."""

    span: Span
    id: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attribute:
    """Read `base.name`."""

    span: Span
    base: "Expression"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Argument:
    """Hand one value to a call; `star` is `""`, `"*"` or `"**"`."""

    value: "Expression"
    keyword: str | None
    star: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """Call `function`."""

    span: Span
    function: "Expression"
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Await:
    """Await `value`."""

    span: Span
    value: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Yield:
    """Yield `value`, or from it."""

    span: Span
    value: "Expression | None"
    delegates: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lambda:
    """Make an anonymous function."""

    span: Span
    function: "Function"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constant:
    """Be a literal; `kind` names its type, `text` is the value of a plain string, or how a number or a word is written."""

    span: Span
    kind: str
    text: str | None


CollectionKind: TypeAlias = Literal["list", "tuple", "set", "dict", "generator"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Display:
    """Build a collection from its items; a dict keeps its keys apart."""

    span: Span
    kind: CollectionKind
    keys: tuple["Expression", ...]
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clause:
    """Be one `for … in … if …` of a comprehension."""

    target: "Expression"
    iterable: "Expression"
    conditions: tuple["Expression", ...]
    asynchronous: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comprehension:
    """Build a collection by looping."""

    span: Span
    kind: CollectionKind
    keys: tuple["Expression", ...]
    items: tuple["Expression", ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subscript:
    """Read `base[indices]`."""

    span: Span
    base: "Expression"
    indices: tuple["Expression", ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """Combine operands: `choice` holds test, then and else; `either` gives one operand, `star` unpacks its only one.

    `operators` are named as the parser does, such as `Add`; each stands between two operands, or before the only one.
    """

    span: Span
    kind: Literal["binary", "either", "choice", "test", "text", "star"]
    operands: tuple["Expression", ...]
    operators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bind:
    """Assign inside an expression."""

    span: Span
    target: "Expression"
    value: "Expression"


Expression: TypeAlias = (
    Name
    | Attribute
    | Call
    | Await
    | Yield
    | Lambda
    | Constant
    | Display
    | Comprehension
    | Subscript
    | Operation
    | Bind
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluate:
    """Stand as a statement, the value is dropped."""

    span: Span
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assign:
    """Bind targets; `value` is absent for a bare annotation."""

    span: Span
    targets: tuple[Expression, ...]
    value: Expression | None
    annotation: Expression | None
    augmented: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delete:
    """Unbind targets."""

    span: Span
    targets: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Return:
    """Leave the function."""

    span: Span
    value: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raise:
    """Raise `value`, or again what is being handled."""

    span: Span
    value: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class If:
    """Branch."""

    span: Span
    test: Expression
    body: tuple["Statement", ...]
    orelse: tuple["Statement", ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class For:
    """Loop over an iterable."""

    span: Span
    target: Expression
    iterable: Expression
    body: tuple["Statement", ...]
    orelse: tuple["Statement", ...]
    asynchronous: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class While:
    """Loop while a test holds."""

    span: Span
    test: Expression
    body: tuple["Statement", ...]
    orelse: tuple["Statement", ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Handler:
    """Catch `type`; nothing means everything."""

    span: Span
    type: Expression | None
    name: str | None
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Try:
    """Run with handlers."""

    span: Span
    body: tuple["Statement", ...]
    handlers: tuple[Handler, ...]
    orelse: tuple["Statement", ...]
    final: tuple["Statement", ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entered:
    """Be one `expression as target` of a `with`."""

    value: Expression
    target: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class With:
    """Run inside context managers."""

    span: Span
    entered: tuple[Entered, ...]
    body: tuple["Statement", ...]
    asynchronous: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """Be one case; `total` when its pattern matches everything."""

    captures: tuple[Name, ...]
    guard: Expression | None
    body: tuple["Statement", ...]
    total: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Match:
    """Match a subject."""

    span: Span
    subject: Expression
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportModule:
    """`import dotted as alias`."""

    span: Span
    dotted: str
    alias: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportFrom:
    """`from … import names`; `level` counts the leading dots, `("*", None)` is a star."""

    span: Span
    dotted: str
    level: int
    names: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameter:
    """Be one parameter; `kind` is how an argument reaches it."""

    name: str
    kind: Literal["positional", "keyword", "rest", "keywords"]
    annotation: Expression | None
    default: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Function:
    """Be a function; `span` is its header, `path` the file that holds it."""

    span: Span
    path: str
    name: str
    qualified: str
    parameters: tuple[Parameter, ...]
    returns: Expression | None
    decorators: tuple[Expression, ...]
    body: tuple["Statement", ...]
    asynchronous: bool
    generates: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Class:
    """Be a class."""

    span: Span
    path: str
    name: str
    bases: tuple[Expression, ...]
    decorators: tuple[Expression, ...]
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Define:
    """Define a function or a class."""

    span: Span
    definition: Function | Class


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Declare:
    """Say that names live elsewhere."""

    span: Span
    scope: Literal["global", "nonlocal"]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Jump:
    """`break`, `continue` or `pass`."""

    span: Span
    kind: Literal["break", "continue", "pass"]


Statement: TypeAlias = (
    Evaluate
    | Assign
    | Delete
    | Return
    | Raise
    | If
    | For
    | While
    | Try
    | With
    | Match
    | ImportModule
    | ImportFrom
    | Define
    | Declare
    | Jump
)

Part: TypeAlias = Argument | Clause | Handler | Entered | Case | Parameter
Node: TypeAlias = Expression | Statement | Part | Function | Class
