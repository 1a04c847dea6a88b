"""All rules, found in `rules/`: adding one touches one file."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from holdfast_lint import rules
from holdfast_lint.diagnostic import LintError
from holdfast_lint.rule import Rule


@cache
def load_rules() -> tuple[Rule, ...]:
    """Load every rule, ordered by code."""
    names = sorted(module.name for module in iter_modules(rules.__path__))
    found = [import_module(f"{rules.__name__}.{name}").RULE for name in names]
    return tuple(sorted(found, key=lambda rule: rule.code))


def choose(select: tuple[str, ...], ignore: tuple[str, ...]) -> frozenset[str]:
    """Give the codes to report; both lists take codes and their beginnings, such as `HF1`.

    Raises:
        LintError: if an entry fits no rule.
    """
    codes = [rule.code for rule in load_rules()]
    for prefix in (*select, *ignore):
        if not any(code.startswith(prefix) for code in codes):
            raise LintError(f"there is no rule {prefix!r}; the codes are {', '.join(codes)}")
    chosen = [code for code in codes if not select or code.startswith(select)]
    return frozenset(code for code in chosen if not (ignore and code.startswith(ignore)))
