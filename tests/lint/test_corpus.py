import pytest
from tests.lint.truth.cases import CORPUS, load_cases
from tests.lint.truth.misses import listed, wrong
from tests.lint.truth.page import PAGE, measured, page
from tests.lint.truth.score import Score
from tests.lint.truth.tools import OTHERS, OURS, Tool


@pytest.fixture(scope="module")
def ours() -> Score:
    return OURS.score(load_cases())


def test_every_mistake_is_found_and_no_look_alike_reported_except_those_on_the_list(
    ours: Score,
) -> None:
    assert wrong(ours) - listed() == frozenset()


def test_the_list_of_misses_names_only_what_is_missed(ours: Score) -> None:
    right = listed() - wrong(ours)

    assert not right, "well done; `poe lint-truth --ours --write` takes them off the list"


def test_the_page_says_what_ours_finds_today(ours: Score) -> None:
    expected = page({OURS.name: ours, **measured(load_cases())})

    assert PAGE.read_text(encoding="utf-8") == expected, "run `poe lint-truth --ours --write`"


@pytest.mark.parametrize("tool", OTHERS, ids=lambda tool: tool.name)
def test_the_other_tools_were_measured_over_the_corpus_as_it_is(tool: Tool) -> None:
    cases = load_cases()
    known = {item.case.path for item in measured(cases)[tool.name].verdicts}

    assert known == {case.path for case in tool.claims(cases)}, "run `poe lint-truth --write`"


def test_a_case_names_the_rules_it_marks() -> None:
    for case in load_cases():
        marked = {code for mark in case.marks for code in mark.codes}
        assert not case.is_mistake or set(case.codes) <= marked, case.path


def test_the_corpus_is_large_and_covers_every_family_and_dialect() -> None:
    cases = load_cases()
    mistakes = [case for case in cases if case.is_mistake]
    folders = {folder.name for folder in CORPUS.iterdir() if folder.is_dir()}

    assert {case.dialect for case in mistakes} == folders
    assert len(mistakes) >= 110
    assert len(cases) - len(mistakes) >= 70
