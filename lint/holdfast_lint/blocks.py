"""Where the blocks of a file begin and end, so that a comment on a header line speaks for what is below it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast_lint import model
from holdfast_lint.model import Statement
from holdfast_lint.module import Module


@dataclass(frozen=True, slots=True)
class Block:
    """Be a block: the lines of its header, and its last line."""

    first: int
    header: int
    last: int


def blocks_of(module: Module) -> tuple[Block, ...]:
    """List the functions, classes and compound statements of a file."""
    return tuple(_blocks(module.body))


def _blocks(statements: Sequence[Statement]) -> Iterator[Block]:
    for statement in statements:
        for first, header, body in _parts(statement):
            yield Block(first, header, max(header, _last(body)))
            yield from _blocks(body)
        for body in _others(statement):
            yield from _blocks(body)


def _parts(statement: Statement) -> Iterator[tuple[int, int, Sequence[Statement]]]:
    """Give first line, last line of the header, and body of what a statement opens."""
    line = statement.span.line
    match statement:
        case model.Define(span=span, definition=definition):
            yield line, span.end_line, definition.body
        case model.If(test=head, body=body) | model.While(test=head, body=body):
            yield line, head.span.end_line, body
        case model.For(iterable=head, body=body):
            yield line, head.span.end_line, body
        case model.With(entered=entered, body=body):
            yield line, max(item.value.span.end_line for item in entered), body
        case model.Match(subject=head, cases=cases):
            yield line, head.span.end_line, [inner for case in cases for inner in case.body]
        case model.Try(body=body, handlers=handlers):
            yield line, line, body
            for handler in handlers:
                kind = handler.type or handler
                yield handler.span.line, kind.span.end_line, handler.body


def _others(statement: Statement) -> Iterator[Sequence[Statement]]:
    match statement:
        case model.If(orelse=orelse) | model.While(orelse=orelse) | model.For(orelse=orelse):
            yield orelse
        case model.Try(orelse=orelse, final=final):
            yield orelse
            yield final


def _last(statements: Sequence[Statement]) -> int:
    return max((_end(statement) for statement in statements), default=0)


def _end(statement: Statement) -> int:
    match statement:
        case model.Define(span=span, definition=definition):
            return max(span.end_line, _last(definition.body))
        case _:
            return statement.span.end_line
