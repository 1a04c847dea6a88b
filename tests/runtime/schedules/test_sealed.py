"""Schedules of an encrypted database: nothing of them is plain, and who lacks the key leaves them alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.runtime.payloads.test_at_rest import at_rest
from tests.runtime.schedules.conftest import Scheduled
from tests.runtime.schedules.flows import greet

from holdfast import Client
from holdfast.clock import VirtualClock
from holdfast.errors import ScheduleExistsError
from holdfast.payloads import Encrypt, new_key
from holdfast.schedules import Interval

OLD, NEW = new_key("k1"), new_key("k2")
SECRET = "secret-4111"
HOURLY = Interval(every=timedelta(hours=1))


def opened(folder: Path, clock: VirtualClock, keys: str | None) -> Scheduled:
    codecs = [Encrypt(keys)] if keys else []
    return Scheduled(Client(folder / "h.db", clock=clock, codecs=codecs), clock)


async def test_arguments_and_notes_are_sealed_at_rest_and_read_with_the_key(
    tmp_path: Path, clock: VirtualClock
) -> None:
    s = opened(tmp_path, clock, OLD)
    schedule = await s.client.create_schedule("x", greet, SECRET, spec=HOURLY)
    await schedule.pause(by="ann", note=SECRET)

    stored = at_rest(tmp_path)
    detail = await schedule.describe()
    s.client.close()

    assert SECRET.encode() not in stored
    assert (detail.args, detail.pause_note) == ([SECRET, 1], SECRET)


async def test_a_worker_without_the_key_leaves_a_tick_to_one_that_has_it(
    tmp_path: Path, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    s, without = opened(tmp_path, clock, OLD), opened(tmp_path, clock, None)
    schedule = await s.client.create_schedule("x", greet, SECRET, spec=HOURLY)

    await without.at(hours=1)
    before = await s.states(schedule)
    clock.advance(timedelta(minutes=1))
    async with without.alive():
        late = (await schedule.describe()).summary
    shown = await without.client.get_schedule("x").describe()
    await s.settle()
    after = await s.states(schedule)
    for one in (s, without):
        one.client.close()

    assert before == []
    assert (late.code, late.why.partition(": ")[2]) == (
        "late",
        "no live worker can read its arguments, or all are busy; look at their logs and keys",
    )
    assert SECRET not in str(shown)
    assert "Schedule x is left to a process that can read what it needs" in caplog.text
    assert after == ["01:00 started"]


async def test_a_rotation_of_keys_seals_schedules_again_and_knows_them_still(
    tmp_path: Path, clock: VirtualClock
) -> None:
    s = opened(tmp_path, clock, OLD)
    schedule = await s.client.create_schedule("x", greet, SECRET, spec=HOURLY)
    await schedule.pause(by="ann", note=SECRET)
    s.client.close()
    both = opened(tmp_path, clock, f"{NEW},{OLD}")
    await both.client.rotate_keys()
    both.client.close()
    new = opened(tmp_path, clock, NEW)

    again = await new.client.create_schedule("x", greet, SECRET, spec=HOURLY)
    with pytest.raises(ScheduleExistsError):
        await new.client.create_schedule("x", greet, "other", spec=HOURLY)
    detail = await again.describe()
    new.client.close()

    assert (detail.args, detail.pause_note) == ([SECRET, 1], SECRET)
