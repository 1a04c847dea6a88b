from collections.abc import Callable
from pkgutil import iter_modules

import pytest

from holdfast_lint import rules
from holdfast_lint.catalog import load_catalog
from holdfast_lint.diagnostic import Report
from holdfast_lint.dialects.holdfast import HoldfastDialect
from holdfast_lint.rule import Rule
from holdfast_lint.rulebook import load_rules

BAD = [(rule, case) for rule in load_rules() for case in rule.bad]
GOOD = [(rule, case) for rule in load_rules() for case in rule.good]


def names(pairs: list[tuple[Rule, str]]) -> list[str]:
    return [f"{rule.code}-{number}" for number, (rule, _) in enumerate(pairs)]


@pytest.mark.parametrize(("rule", "case"), BAD, ids=names(BAD))
def test_a_bad_case_breaks_its_rule_and_no_other(
    check: Callable[..., Report], rule: Rule, case: str
) -> None:
    report = check({"flow.py": case})

    assert {item.code for item in report.diagnostics} == {rule.code}


@pytest.mark.parametrize(("rule", "case"), GOOD, ids=names(GOOD))
def test_a_good_case_is_clean(check: Callable[..., Report], rule: Rule, case: str) -> None:
    report = check({"flow.py": case})

    assert report.diagnostics == ()
    assert report.coverage.workflows == 1


def test_every_rule_has_cases_of_both_kinds_and_a_unique_code_and_name() -> None:
    rules = load_rules()

    assert all(rule.bad and rule.good for rule in rules)
    assert len({rule.code for rule in rules}) == len({rule.name for rule in rules}) == len(rules)


def test_the_file_of_a_rule_starts_with_its_code() -> None:
    stems = sorted(module.name for module in iter_modules(rules.__path__))

    assert [stem[:5] for stem in stems] == [rule.code.lower() for rule in load_rules()]


def test_every_effect_of_the_tables_belongs_to_a_rule() -> None:
    catalog = load_catalog()
    used = {
        effect.rule
        for table in (catalog.calls, catalog.reads, catalog.writes)
        for effect in table.values()
    }

    assert used <= {rule.code for rule in load_rules()}


def test_every_remedy_of_the_tables_is_spelled_out_by_the_dialect() -> None:
    dialect = HoldfastDialect()
    effects = load_catalog().calls.values()

    assert all(dialect.advice(effect.remedy) for effect in effects)
