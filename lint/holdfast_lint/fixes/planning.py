"""Which fix a finding has."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby

from holdfast_lint.diagnostic import Diagnostic, Fix
from holdfast_lint.fixes.awaiting import add_await
from holdfast_lint.fixes.calls import replace_call
from holdfast_lint.fixes.excepting import narrow
from holdfast_lint.fixes.extracting import extract
from holdfast_lint.fixes.ordering import sort
from holdfast_lint.fixes.replacements import replacements_for
from holdfast_lint.fixes.site import Fixer, Site
from holdfast_lint.fixes.source import Source

FIXERS: Mapping[str, Fixer] = {
    "HF101": replace_call,
    "HF103": replace_call,
    "HF111": replace_call,
    "HF121": replace_call,
    "HF204": extract,
    "HF305": replace_call,
    "HF401": sort,
    "HF601": replace_call,
    "HF602": replace_call,
    "HF702": add_await,
    "HF712": narrow,
}


def with_fixes(items: Iterable[Diagnostic], sources: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Give findings their fixes; the order stays, and findings of a file must stand together."""
    for path, group in groupby(items, key=lambda item: item.path):
        found = list(group)
        fixable = [item for item in found if item.code in FIXERS and item.chain]
        source = Source(sources[path]) if fixable else None
        for item in found:
            if source is not None and item in fixable:
                yield replace(item, fix=_fix(item, source, sources))
            else:
                yield item


def _fix(item: Diagnostic, source: Source, sources: Mapping[str, str]) -> Fix | None:
    table = replacements_for(sources.get(item.chain[0].path, ""))
    if table is None:
        return None
    return next(FIXERS[item.code](Site(item=item, source=source, replacements=table)), None)
