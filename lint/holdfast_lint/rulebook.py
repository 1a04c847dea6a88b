"""All rules, found in `rules/`: a page each, and a module beside it where the effect tables do not say it all."""

from functools import cache
from importlib import import_module
from importlib.resources import files

from holdfast_lint import rules
from holdfast_lint.page import Page, read_page
from holdfast_lint.rule import Rule, effects, no_survey, nothing


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
            found.append(_rule(page, entry.name, stem if stem in modules else None))
    return tuple(sorted(found, key=lambda rule: rule.code))


def _rule(page: Page, file: str, stem: str | None) -> Rule:
    module = None if stem is None else import_module(f"{rules.__name__}.{stem}")
    usual = nothing if page.finds is None else effects(page.code, page.finds)
    return Rule(
        page=page,
        file=file,
        check=getattr(module, "check", usual),
        check_step=getattr(module, "check_step", nothing),
        survey=getattr(module, "survey", no_survey),
    )
