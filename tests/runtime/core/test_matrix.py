"""Each edit of the detection matrix is told by its class, in full histories and in open runs cut at every turn."""

import pytest
from tests.runtime.core import matrix
from tests.runtime.core.reports import assert_reported

from holdfast.history import History


@pytest.fixture(scope="module")
def histories() -> dict[tuple[bool, bool], History]:
    """Return the few histories that the rows need, each recorded once by real workers."""
    kinds = {(row.patched, row.start_only): row for row in matrix.ROWS}
    return {kind: matrix.record(row) for kind, row in kinds.items()}


CASES = [
    pytest.param(
        row,
        id=row.edit,
        marks=pytest.mark.construct(*({row.says} - {matrix.PASSES}), case=True),
    )
    for row in matrix.ROWS
]


@pytest.mark.parametrize("row", CASES)
def test_an_edit_is_told_by_its_class(
    row: matrix.Row, histories: dict[tuple[bool, bool], History]
) -> None:
    history = histories[row.patched, row.start_only]

    result = matrix.replayed(row, history)

    assert matrix.said(result) == row.says, result.text()
    assert row.says == matrix.PASSES or row.says in result.text()
    assert result.turns == (0 if row.start_only else 6 if row.drifts else result.turns)
    for drift in result.drifts:
        assert f"{row.says} turn {row.turn} #{drift.seq} {drift.name} " in result.text()
        assert f"({drift.site})" in result.text()
        assert drift.site.startswith("matrix_flow.py:")
    if result.difference is not None:
        assert_reported(result, history, row.says)
        assert result.difference.turn == row.turn
        lines = (*result.difference.expected, *result.difference.got)
        assert all(line.site.startswith("matrix_flow.py:") for line in lines)


@pytest.mark.parametrize("row", matrix.ROWS, ids=lambda row: row.edit)
def test_no_open_run_past_the_edit_passes_and_none_before_it_is_stopped(
    row: matrix.Row, histories: dict[tuple[bool, bool], History]
) -> None:
    assert matrix.wrong_cuts(row, histories[row.patched, row.start_only]) == []
