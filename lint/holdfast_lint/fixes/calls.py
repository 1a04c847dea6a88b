"""Calls that the table of a dialect replaces."""

from collections.abc import Iterator, Sequence

import libcst as cst

from holdfast_lint.diagnostic import Fix
from holdfast_lint.fixes.replacements import Replacement
from holdfast_lint.fixes.site import Site

UTC = frozenset({"datetime.UTC", "datetime.timezone.utc"})
ZONE = "zoneinfo.ZoneInfo"
# Keywords of `print` that mean nothing to a logger.
IGNORED = frozenset({"flush"})


def replace_call(site: Site) -> Iterator[Fix]:
    """Replace the call of a finding by what the first row that fits says."""
    call = site.source.at(site.item.span, cst.Call)
    if call is None:
        return
    name = site.source.resolve(call.func)
    for row in site.replacements.of(site.item.code):
        if not _is_meant(row, name, call):
            continue
        arguments = _arguments(site, row, call)
        if arguments is not None:
            yield from _fix(site, row, call, arguments)
            return


def _is_meant(row: Replacement, name: str | None, call: cst.Call) -> bool:
    if name is not None and name in row.calls:
        return True
    match call.func:
        case cst.Attribute(value=base, attr=cst.Name(value=member)):
            return member in row.methods and _has_no_effect(base)
        case _:
            return False


def _has_no_effect(base: cst.BaseExpression) -> bool:
    """Tell whether it does not matter that an expression is no longer evaluated."""
    match base:
        case cst.Name():
            return True
        case cst.Attribute(value=inner):
            return _has_no_effect(inner)
        case cst.Call(
            func=cst.Attribute(attr=cst.Name(value="getLogger")) | cst.Name(value="getLogger")
        ):
            return True
        case _:
            return False


def _fix(site: Site, row: Replacement, call: cst.Call, arguments: str) -> Iterator[Fix]:
    source = site.source
    if row.awaits == "add" and not source.can_await(call):
        return
    if row.awaits == "keep" and not isinstance(source.parent(call), cst.Await):
        return
    func = call.func
    member = func.attr if isinstance(func, cst.Attribute) else func
    name = source.resolve(func)
    writing = site.write(
        row.write,
        call,
        arguments=arguments,
        first=arguments,
        function=source.code(func),
        member=name.rpartition(".")[2] if name in row.calls and name else source.code(member),
    )
    if writing is None:
        return
    text = site.awaited(writing.text, call) if row.awaits == "add" else writing.text
    yield Fix(
        title=row.title,
        safe=row.safe and site.is_own,
        edits=(site.replacing(call, text), *writing.edits),
    )


def _arguments(site: Site, row: Replacement, call: cst.Call) -> str | None:
    """Write the arguments as they are to be handed on; nothing when they are not those that a row is for."""
    given = call.args
    match row.when:
        case "any":
            return _as_written(site, call)
        case "none":
            return "" if not given else None
        case "message":
            return _message(site, given)
        case _:
            pass
    if len(given) != 1 or given[0].star or (given[0].keyword and row.when == "one"):
        return None
    value = given[0].value
    named = site.source.resolve(value.func if isinstance(value, cst.Call) else value)
    fits = {
        "one": True,
        "utc": named in UTC and not isinstance(value, cst.Call),
        "zone": named == ZONE and isinstance(value, cst.Call),
    }
    return site.source.code(value) if fits[row.when] else None


def _as_written(site: Site, call: cst.Call) -> str:
    """Copy what stands between the brackets of a call, line breaks and comments included."""
    bare = call.with_changes(
        func=cst.Name("f"), lpar=(), rpar=(), whitespace_after_func=cst.SimpleWhitespace("")
    )
    return site.source.tree.code_for_node(bare)[2:-1]


def _message(site: Site, given: Sequence[cst.Arg]) -> str | None:
    """Turn the arguments of `print` into those of a logger."""
    values = []
    for argument in given:
        if argument.star or (
            argument.keyword is not None and argument.keyword.value not in IGNORED
        ):
            return None
        if argument.keyword is None:
            values.append(argument.value)
    written = [site.source.code(value) for value in values]
    if not values:
        return '""'
    if len(values) == 1 and isinstance(
        values[0], cst.SimpleString | cst.FormattedString | cst.ConcatenatedString
    ):
        return written[0]
    return ", ".join((f'"{" ".join(["%s"] * len(values))}"', *written))
