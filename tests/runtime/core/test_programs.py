"""Random programs do the same again wherever they are cut; `poe soak-programs` tries ten thousand of them."""

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.runtime.core.programs.driving import (
    DifferenceError,
    Story,
    Tally,
    check,
    crash_everywhere,
    play,
)
from tests.runtime.core.programs.language import Interpreter
from tests.runtime.core.programs.making import Maker
from tests.runtime.core.programs.soak import choosing

from holdfast.history import CompleteRun, ScheduleActivity


@settings(
    max_examples=200,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
@pytest.mark.timeout(
    900
)  # hundreds of programs: minutes on a machine that does something else as well
@pytest.mark.construct("random programs", "eviction")
def test_a_program_crashed_after_any_turn_does_the_same_again(data: st.DataObject) -> None:
    choose = choosing(data)
    code = Maker(choose).program()
    note(f"program: {code}")

    check(code, choose, Tally())


def first(most: int) -> int:
    return 0


def played(code: list[object]) -> Story:
    return check(code, first, Tally())


def test_a_program_does_what_it_says() -> None:
    story = played([["work", 7], ["sleep", 2], ["gather", [[["work", 1]], [["work", 2]]], 0]])
    commands = [command for moment in story.moments for command in moment.commands]

    assert [c.args for c in commands if isinstance(c, ScheduleActivity)] == [[7], [1], [2]]
    assert isinstance(commands[-1], CompleteRun)
    assert story.closed


def test_no_command_is_said_to_be_asked_for_by_the_code_around_the_run() -> None:
    story = played([["compensate", 1], ["raise", 2]])
    sites = [command.site for moment in story.moments for command in moment.commands]

    assert len(sites) == 3  # the registration, the compensation, the end
    assert {site.partition(":")[0] for site in sites} == {"tests/runtime/core/programs/language.py"}
    assert not any(
        "test_programs" in site or "driving" in site or "apply" in site for site in sites
    )


def test_code_that_does_something_else_on_replay_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter(range(100))

    async def forgetful(self: Interpreter, number: int) -> None:
        if next(counts):
            await self.block([["sleep", 5]])

    monkeypatch.setattr(Interpreter, "do_forgetful", forgetful, raising=False)
    tally = Tally()
    story = play([["work", 1], ["forgetful", 1], ["work", 2]], first, tally)

    with pytest.raises(DifferenceError, match="crash after turn 0, turn 2: commands"):
        crash_everywhere(story, tally)


kept: list[object] = []


def test_what_outlives_its_run_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keep(self: Interpreter) -> None:
        kept.extend(self.tasks.values())

    monkeypatch.setattr(Interpreter, "do_keep", keep, raising=False)

    with pytest.raises(DifferenceError, match="left behind: "):
        played([["spawn", 1, [["sleep", 3]]], ["sleep", 1], ["keep"], ["work", 1]])
    kept.clear()
