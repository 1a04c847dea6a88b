"""What the report of every difference must show, whatever its class."""

from holdfast._core.matcher import TITLES
from holdfast.history import History
from holdfast.replay import ReplayResult


def assert_reported(result: ReplayResult, history: History, code: str) -> None:
    """Look at the class, both source lines, three turns either side and the suggestion, in text and in JSON."""
    found = result.difference
    assert found is not None
    text, tree = result.text(), found.to_json()
    assert found.code == code, text
    assert text.startswith(
        f"{code} {TITLES[code]}   {found.workflow} run {found.run}   turn {found.turn} (after "
    )
    for label, lines in (("recorded:", found.expected), ("produced:", found.got)):
        assert (label in text) == bool(found.expected or found.got)
        for line in lines:
            assert line.site
            assert f"#{line.seq} {line.text}" in text
            assert line.site in text
    turns = [turn.event.turn for turn in history.turns if abs(turn.event.turn - found.turn) <= 3]
    assert [line.turn for line in found.around] == turns
    for turn in turns:
        assert f"\n{'>' if turn == found.turn else ' '} turn {turn} " in text
    assert found.suggestion
    assert f"\n  fix:  {found.suggestion}" in text
    assert {"code", "turn", "expected", "got", "suggestion"} <= tree.keys()
