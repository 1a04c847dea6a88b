from collections.abc import Callable
from importlib.resources import files

import pytest

from holdfast_lint import rules
from holdfast_lint.catalog import load_catalog
from holdfast_lint.diagnostic import Report
from holdfast_lint.page import Case, PageError, read_page
from holdfast_lint.rule import Rule
from holdfast_lint.rulebook import load_rules

BAD = [(rule, case) for rule in load_rules() for case in rule.page.wrong]
GOOD = [(rule, case) for rule in load_rules() for case in rule.page.right]


def names(pairs: list[tuple[Rule, Case]]) -> list[str]:
    return [f"{rule.code}-{number}" for number, (rule, _) in enumerate(pairs)]


@pytest.mark.parametrize(("rule", "case"), BAD, ids=names(BAD))
def test_a_bad_case_breaks_its_rule_and_no_other(
    check: Callable[..., Report], rule: Rule, case: Case
) -> None:
    report = check(case.files, also=(rule.code,))

    assert {item.code for item in report.diagnostics} == {rule.code}


@pytest.mark.parametrize(("rule", "case"), GOOD, ids=names(GOOD))
def test_a_good_case_is_clean(check: Callable[..., Report], rule: Rule, case: Case) -> None:
    report = check(case.files, also=(rule.code,))

    assert report.diagnostics == ()
    assert report.coverage.workflows == 1


def test_every_rule_has_a_code_and_a_name_of_its_own() -> None:
    rules = load_rules()

    assert len({rule.code for rule in rules}) == len({rule.name for rule in rules}) == len(rules)


def test_the_page_of_a_rule_and_the_module_beside_it_start_with_its_code() -> None:
    names = [entry.name for entry in files(rules).iterdir() if not entry.name.startswith("_")]
    pages = sorted(name.removesuffix(".md") for name in names if name.endswith(".md"))
    modules = {name.removesuffix(".py") for name in names if name.endswith(".py")}

    assert [stem[:5] for stem in pages] == [rule.code.lower() for rule in load_rules()]
    assert modules <= set(pages)


HEAD = '+++\ncode = "HF1"\nname = "one"\nseverity = "error"\n+++\n\nWhat.\n\nWhy.\n\n'


def test_a_page_holds_cases_of_several_files_and_what_the_fix_makes_of_them() -> None:
    page = read_page(
        HEAD
        + "## Wrong\n\n```python file=app/a.py\na = 1\n```\n\n```python\nb = 2\n```\n\n"
        + "```python fixed unsafe\nb = 3\n```\n\n## Right\n\n```python\nc = 4\n```\n"
    )

    assert page.wrong == (
        Case(files={"app/a.py": "a = 1\n", "flow.py": "b = 2\n"}, fixed="b = 3\n", safely=False),
    )
    assert page.right == (Case(files={"flow.py": "c = 4\n"}),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("What.\n", "starts with its code"),
        (HEAD, "`## Wrong` with code"),
        (
            HEAD.replace('"error"', '"grave"')
            + "## Wrong\n```python\n```\n## Right\n```python\n```\n",
            "no severity",
        ),
        (HEAD + "## Wrong\n```python fast\n```\n", "unknown marks"),
        (
            HEAD.replace("name", "title") + "## Wrong\n```python\n```\n## Right\n```python\n```\n",
            "lacks the text 'name'",
        ),
        (
            HEAD.replace('"error"', '"error"\ndefault = "no"')
            + "## Wrong\n```python\n```\n## Right\n```python\n```\n",
            "`default` in the head of a rule page is `true` or `false`",
        ),
    ],
)
def test_a_page_that_lacks_something_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(PageError, match=complaint):
        read_page(text)


def test_every_effect_of_the_tables_belongs_to_a_rule() -> None:
    catalog = load_catalog()
    used = {
        effect.rule
        for table in (catalog.calls, catalog.reads, catalog.writes)
        for effect in table.values()
    }

    assert used <= {rule.code for rule in load_rules()}
