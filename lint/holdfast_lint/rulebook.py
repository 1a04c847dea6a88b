"""All rules, found in `rules/`: a page each, and a module beside it where the effect tables do not say it all."""

from functools import cache
from importlib import import_module
from importlib.resources import files

from holdfast_lint import rules
from holdfast_lint.page import Page, read_page
from holdfast_lint.rule import Check, Rule, effects, nothing


@cache
def load_rules() -> tuple[Rule, ...]:
    """Load every rule, ordered by code."""
    folder = files(rules)
    modules = {
        entry.name.removesuffix(".py") for entry in folder.iterdir() if entry.name.endswith(".py")
    }
    found: list[Rule] = []
    for entry in folder.iterdir():
        stem = entry.name.removesuffix(".md")
        if stem != entry.name:
            page = read_page(entry.read_text(encoding="utf-8"))
            found.append(Rule(page=page, check=_check(page, stem if stem in modules else None)))
    return tuple(sorted(found, key=lambda rule: rule.code))


def _check(page: Page, module: str | None) -> Check:
    if module is not None:
        check: Check = import_module(f"{rules.__name__}.{module}").check
        return check
    return nothing if page.finds is None else effects(page.code, page.finds)
