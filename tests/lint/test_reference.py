from pathlib import Path

from holdfast_lint.reference import GROUPS, render_reference
from holdfast_lint.rulebook import load_rules

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "lint.md"


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_reference()


def test_every_rule_has_a_section() -> None:
    page = render_reference()

    assert all(f"### {rule.code} {rule.name}\n" in page for rule in load_rules())
    assert {rule.code[2] for rule in load_rules()} == set(GROUPS)
