import re
from pathlib import Path

from holdfast_lint.cli import check
from holdfast_lint.config import KEYS
from holdfast_lint.reference import GROUPS, render_reference
from holdfast_lint.rulebook import load_rules

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "lint.md"


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_reference()


def test_every_rule_has_a_row_that_leads_to_its_page() -> None:
    page = render_reference()

    for rule in load_rules():
        (path,) = re.findall(rf"^\| \[{rule.code}\]\(([^)]+)\) \|", page, re.MULTILINE)
        assert f'code = "{rule.code}"' in (PAGE.parent / path).read_text(encoding="utf-8")
    assert {rule.code[2] for rule in load_rules()} == set(GROUPS)


def test_every_option_and_every_key_of_the_table_is_described() -> None:
    page = render_reference()

    options = [name for option in check.params for name in option.opts if name.startswith("--")]
    assert [name for name in options if f"| `{name}" not in page] == []
    assert [key for key in KEYS if f"`{key}`" not in page] == []
