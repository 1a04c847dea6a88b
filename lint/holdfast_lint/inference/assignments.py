"""Which assignments of a function a read may see: awaitables that nobody reads, and reads that are surely awaitables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from holdfast_lint import model
from holdfast_lint.inference.pending import Pending
from holdfast_lint.model import Call, Expression, Function, Name, Node, Statement
from holdfast_lint.module import walk

COLLECTS = frozenset({"add", "append", "appendleft", "extend", "insert"})
# A second turn shows what the first leaves to the next, and turns multiply with each loop inside a loop.
TURNS = 2
DEEPEST_LOOP = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """Be one binding of a name: `calls` are the awaitables put there, `sure` when there is nothing else in it."""

    name: str
    calls: tuple[Call, ...]
    sure: bool


State = dict[str, frozenset[Kept]]


@dataclass(slots=True)
class Assignments:
    """Follow the names of a function through its statements.

    Jumps are not followed: whatever was bound also flows on behind them, so that a binding is only called unread when
    no order of statements reads it.
    """

    pending: Pending
    function: Function
    kept: list[Kept] = field(default_factory=list)
    read: set[Kept] = field(default_factory=set)
    seen: dict[Name, frozenset[Kept]] = field(default_factory=dict)
    _made: dict[tuple[Node, str], Kept] = field(default_factory=dict)
    _shared: frozenset[str] = frozenset()
    _leaving: list[list[State]] = field(default_factory=list)

    def follow(self) -> None:
        """Run through the whole function."""
        self._shared = frozenset(_shared_names(self.function))
        self._run(self.function.body, {})

    def unread(self) -> Iterator[tuple[Kept, Call]]:
        """Give the awaitables that were bound to a name and never read from it."""
        for item in self.kept:
            if item not in self.read and item.name not in self._shared:
                for call in item.calls:
                    yield item, call

    def surely(self, name: Name) -> Call | None:
        """Give an awaitable that a read surely sees, if every binding that it may see is one."""
        found = self.seen.get(name, frozenset())
        if not found or name.id in self._shared or not all(item.sure for item in found):
            return None
        return min((item.calls[0] for item in found), key=lambda call: call.span)

    def is_useless(self, name: str) -> bool:
        """Tell whether a name is bound here and nothing ever reads it."""
        bound = [item for item in self.kept if item.name == name]
        return bool(bound) and name not in self._shared and self.read.isdisjoint(bound)

    def _run(self, body: Iterable[Statement], state: State) -> State:
        for statement in body:
            state = self._step(statement, state)
        return state

    def _step(self, statement: Statement, state: State) -> State:  # noqa: PLR0911 - one arm per kind
        match statement:
            case model.Assign():
                return self._assign(statement, state)
            case model.If(test=test, body=body, orelse=orelse):
                state = self._look(state, test)
                return _joined(self._run(body, state), self._run(orelse, state))
            case model.For() | model.While():
                return self._loop(statement, state)
            case model.Try():
                return self._try(statement, state)
            case model.With(entered=entered, body=body):
                state = self._look(state, *entered)
                return self._run(body, state)
            case model.Match(subject=subject, cases=cases):
                state = self._look(state, subject, *_headers(cases))
                return _joined(state, *(self._run(case.body, state) for case in cases))
            case model.Jump(kind="break" | "continue") if self._leaving:
                self._leaving[-1].append(state)
                return state
            case _:
                return self._look(state, statement)

    def _loop(self, statement: model.For | model.While, state: State) -> State:
        self._leaving.append([])
        if isinstance(statement, model.For):
            state = self._look(state, statement.iterable)
            state = self._loosen(state, statement.target)
        if len(self._leaving) > DEEPEST_LOOP:
            state = self._give_up(statement, state)
        for _ in range(TURNS if len(self._leaving) <= DEEPEST_LOOP else 1):
            if isinstance(statement, model.While):
                state = self._look(state, statement.test)
            state = _joined(state, self._run(statement.body, state), *self._leaving[-1])
        left = self._leaving.pop()
        return _joined(self._run(statement.orelse, state), state, *left)

    def _give_up(self, loop: model.For | model.While, state: State) -> State:
        """Take whatever a loop binds for read, and for more than an awaitable."""
        for node in walk(loop):
            if isinstance(node, model.Assign):
                for target in node.targets:
                    state = self._loosen(state, target)
                self.read |= {self._keep(node, name.id, value) for name, value in _pairs(node)}
        return state

    def _try(self, statement: model.Try, state: State) -> State:
        before = state
        state = self._run(statement.body, state)
        torn = _joined(before, state, *self._bindings(statement.body))
        outcomes = [torn, self._run(statement.orelse, state)]
        for handler in statement.handlers:
            start = torn if handler.type is None else self._look(torn, handler.type)
            if handler.name is not None:
                start = self._loosen(start, model.Name(span=handler.span, id=handler.name))
            outcomes.append(self._run(handler.body, start))
        outcomes.extend(self._bindings((statement,)))
        return self._run(statement.final, _joined(*outcomes))

    def _bindings(self, body: Iterable[Statement]) -> Iterator[State]:
        """Give every binding inside a block: an exception may leave it after any of them."""
        inside = {node for statement in body for node in walk(statement)}
        for (node, name), item in self._made.items():
            if node in inside:
                yield {name: frozenset({item})}

    def _assign(self, statement: model.Assign, state: State) -> State:
        if statement.value is None:
            return state
        state = self._look(state, statement.value)
        pairs = list(_pairs(statement))
        for target in statement.targets:
            if not (isinstance(target, model.Name) or pairs):
                state = self._loosen(self._look(state, *_bases(target)), target)
        for target, value in pairs:
            item = self._keep(statement, target.id, value)
            others = state.get(target.id, frozenset()) if statement.augmented else frozenset()
            state = {**state, target.id: others | {item}}
        return state

    def _keep(self, node: Node, name: str, value: Expression | None) -> Kept:
        if (node, name) not in self._made:
            calls = () if value is None else tuple(self.pending.calls(value))
            sure = value is not None and self.pending.surely(value)
            if isinstance(node, model.Assign) and node.augmented and sure:
                # Adding to a number takes the awaitable for its result, which is another mistake.
                calls, sure = (), False
            self._made[node, name] = Kept(name=name, calls=calls, sure=sure)
            self.kept.append(self._made[node, name])
        return self._made[node, name]

    def _look(self, state: State, *nodes: Node) -> State:
        """Note what is read, then what the same code may bind."""
        for node in nodes:
            for inner in walk(node):
                for target in _targets(inner):
                    state = self._loosen(state, target)
        for node in nodes:
            added = _added_to(node)
            for inner in walk(node):
                if isinstance(inner, model.Name) and inner is not added:
                    found = state.get(inner.id, frozenset())
                    self.read |= found
                    self.seen[inner] = self.seen.get(inner, frozenset()) | found
        return state

    def _loosen(self, state: State, target: Expression) -> State:
        """Let a name also be something that is not followed."""
        for inner in walk(target):
            if isinstance(inner, model.Name):
                item = self._keep(inner, inner.id, None)
                state = {**state, inner.id: state.get(inner.id, frozenset()) | {item}}
        return state


def _pairs(statement: model.Assign) -> Iterator[tuple[Name, Expression | None]]:
    """Pair names with the values they get; a value of several targets is not followed."""
    match statement:
        case model.Assign(targets=(model.Display(items=names),), value=model.Display(items=values)):
            plain = [name for name in names if isinstance(name, model.Name)]
            starred = any(
                isinstance(item, model.Operation) and item.kind == "star" for item in values
            )
            if len(plain) == len(names) == len(values) and not starred:
                yield from zip(plain, values, strict=True)
        case model.Assign(targets=(model.Name() as name,), value=value):
            yield name, value
        case model.Assign(targets=targets):
            yield from ((target, None) for target in targets if isinstance(target, model.Name))


def _bases(target: Expression) -> Iterator[Expression]:
    match target:
        case model.Attribute() | model.Subscript():
            yield target
        case model.Display(items=parts) | model.Operation(operands=parts):
            for part in parts:
                yield from _bases(part)


def _targets(node: Node) -> tuple[Expression, ...]:
    match node:
        case model.Bind(target=target) | model.Clause(target=target):
            return (target,)
        case model.Entered(target=target) if target is not None:
            return (target,)
        case model.Define(span=span, definition=definition):
            return (model.Name(span=span, id=definition.name),)
        case _:
            return ()


def _added_to(node: Node) -> Expression | None:
    """Give the collection that a statement merely adds to, which is no use of what it holds."""
    match node:
        case model.Evaluate(value=model.Call(function=model.Attribute(base=base, name=name))) if (
            name in COLLECTS
        ):
            return base
        case _:
            return None


def _headers(cases: Iterable[model.Case]) -> Iterator[Expression]:
    for case in cases:
        yield from (model.Bind(span=name.span, target=name, value=name) for name in case.captures)
        if case.guard is not None:
            yield case.guard


def _joined(*states: State) -> State:
    names = {name for state in states for name in state}
    return {
        name: frozenset().union(*(state.get(name, frozenset()) for state in states))
        for name in names
    }


def _shared_names(function: Function) -> Iterator[str]:
    """Name what other functions may read: the names of nested ones, and what is declared to live elsewhere."""
    for statement in function.body:
        for node in walk(statement):
            match node:
                case model.Declare(names=names):
                    yield from names
                case model.Lambda(function=inner):
                    yield from _names(inner)
                case model.Define(definition=definition):
                    yield from _names(definition)


def _names(definition: Function | model.Class) -> Iterator[str]:
    parts: list[Node] = [*definition.body]
    if isinstance(definition, Function):
        parts.extend(item for parameter in definition.parameters if (item := parameter.default))
    parts.extend(definition.decorators)
    for part in parts:
        for node in walk(part):
            match node:
                case model.Name(id=name):
                    yield name
                case model.Lambda(function=inner):
                    yield from _names(inner)
                case model.Define(definition=inner):
                    yield from _names(inner)
                case model.Declare(names=names):
                    yield from names
