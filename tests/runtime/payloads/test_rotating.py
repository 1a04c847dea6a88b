"""Everything at rest is sealed again under the newest key, beside running workers; then the old key is not needed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.runtime.payloads.test_at_rest import (
    ASK,
    SAY,
    SECRET,
    asked_of_two,
    talking,
    undoing,
    work,
)

from holdfast import Client
from holdfast._store import resealing
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.errors import ArgumentError, MessageError, RunExistsError, UsageError
from holdfast.payloads import Codec, Compress, Encrypt, new_key
from holdfast.replay import replay

OLD, NEW = new_key("k1"), new_key("k2")
Opened = Callable[..., Client]


@pytest.fixture
def opened(tmp_path: Path, clock: VirtualClock) -> Opened:
    def open_with(keys: str | None) -> Client:
        codecs: list[Codec] = [Compress(threshold=10), Encrypt(keys)] if keys else []
        return Client(tmp_path / "h.db", clock=clock, codecs=codecs)

    return open_with


async def fill(client: Client, clock: VirtualClock) -> None:
    """Write into every kind of row that is sealed."""
    await asked_of_two(client, clock)
    await client.start(talking, SECRET, 1, id="t")
    await work(client, clock)
    await client.signal("t", SAY, SECRET, message="m1")
    await work(client, clock)
    with pytest.raises(TimeoutError):
        await client.update("t", ASK, "what", id="u1", timeout=timedelta(0))
    await client.pause("t~2", reason=SECRET, by="ana")
    await client.fork("u", at=1, id="f")
    await client.start(undoing, SECRET, id="ended")
    await work(client, clock)
    await client.terminate("ended", reason=SECRET)
    await work(client, clock)


@pytest.mark.construct("Client.rotate_keys")
@pytest.mark.parametrize(
    ("before", "batch"), [(OLD, 3), (OLD, 1000), (None, 7)], ids=["few", "many", "plain"]
)
async def test_after_a_rotation_everything_is_read_with_the_new_key_alone(
    opened: Opened, clock: VirtualClock, before: str | None, batch: int
) -> None:
    async with opened(before) as old:
        await fill(old, clock)
        known = {run.id: await old.history(run.id) for run in await old.list()}
    async with opened(f"{NEW},{OLD}") as both:
        done = await both.rotate_keys(batch=batch)
        again = await both.rotate_keys()

    assert done.changed == sum(done.keys.values()) > 50
    assert (set(done.keys), done.unreadable) == ({"k2"}, {})
    assert (again.changed, again.keys) == (0, done.keys)
    async with opened(NEW) as new:
        assert {run.id: await new.history(run.id) for run in await new.list()} == known
        await new.resume("t~2")
        await new.decide("u", "two", "yes", by="bo")
        await work(new, clock)
        assert await new.get("t").result() == "what"
        assert (
            await new.update("t", ASK, "what", id="u1") == f"what, {await new.query('t', 'last')}"
        )
        assert replay(await new.history("t"), talking).ok


async def test_what_was_sent_or_started_before_a_rotation_is_still_known_after_it(
    opened: Opened, clock: VirtualClock
) -> None:
    async with opened(OLD) as old:
        await fill(old, clock)
    async with opened(f"{NEW},{OLD}") as both:
        await both.rotate_keys()
    async with opened(NEW) as new:
        assert not await new.signal("t", SAY, SECRET, message="m1")
        with pytest.raises(MessageError, match="with other content"):
            await new.signal("t", SAY, "other", message="m1")
        with pytest.raises(TimeoutError):
            await new.update("t", ASK, "what", id="u1", timeout=timedelta(0))
        assert (await new.start(talking, SECRET, 1, id="t")).id == "t"
        with pytest.raises(RunExistsError):
            await new.start(talking, "other", 1, id="t")
        assert (await new.fork("u", at=1, id="f")).id == "f"


async def test_a_rotation_that_is_broken_off_goes_on_when_it_is_made_again(
    opened: Opened, clock: VirtualClock
) -> None:
    async with opened(OLD) as old:
        await fill(old, clock)
    async with opened(f"{NEW},{OLD}") as both:
        first = both.database.write_now(resealing.reseal, None, limit=5)
        rest = await both.rotate_keys(batch=5)

    assert first.changed == 5
    assert rest.changed == sum(rest.keys.values()) - first.changed


async def test_workers_go_on_between_the_batches_of_a_rotation(
    opened: Opened, clock: VirtualClock
) -> None:
    async with opened(OLD) as old:
        await fill(old, clock)
        await old.start(talking, SECRET, 1, id="meanwhile")
    async with opened(f"{NEW},{OLD}") as both:
        after: resealing.Cursor | None = None
        while True:
            after = both.database.write_now(resealing.reseal, after, limit=20).after
            if after is None:
                break
            await work(both, clock)
        await both.signal("meanwhile", SAY, SECRET)
        await work(both, clock)
        last = await both.rotate_keys()

    assert set(last.keys) == {"k2"}
    async with opened(NEW) as new:
        assert SECRET in str(await new.history("meanwhile~2"))


async def test_what_has_an_unknown_key_is_counted_and_left_as_it_is(
    opened: Opened, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(OLD) as old:
        await fill(old, clock)
        known = await old.history("t")
    monkeypatch.setenv("HOLDFAST_KEYS", NEW)

    arguments = ["keys", "rotate", "--db", str(tmp_path / "h.db")]
    shell = await asyncio.to_thread(CliRunner().invoke, main, arguments)

    assert shell.exit_code == 1
    assert shell.stdout.startswith("0 payloads sealed again\n  k1: ")
    assert "payloads have key k1, which is not known here. Add it at the end" in shell.stderr
    async with opened(OLD) as old:
        assert await old.history("t") == known


async def test_a_rotation_needs_a_key_and_a_batch(opened: Opened) -> None:
    async with opened(None) as plain:
        with pytest.raises(UsageError, match="There is no key to seal payloads with"):
            await plain.rotate_keys()
        with pytest.raises(ArgumentError, match=r"rotate_keys\(batch=0\)"):
            await plain.rotate_keys(batch=0)


def test_every_column_that_is_sealed_is_rotated() -> None:
    source = "".join(path.read_text() for path in Path(resealing.__file__).parent.glob("*.py"))
    rotated = {
        f"{table}.{column}"
        for table, (_, _, in_bytes, in_text) in resealing._COLUMNS.items()
        for column in (*in_bytes, *in_text)
    }

    for table in resealing._TABLES:
        for column in table.columns.keys():  # noqa: SIM118 - a collection of columns is no dict
            if f'"{table.name}.{column}"' in source:
                assert f"{table.name}.{column}" in rotated
