"""Payloads are sealed at rest, open with any known key, and what cannot be opened is never lost."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast import ActivityError, ApplicationError, Client, Retry, Worker, activity, workflow
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.codec import PAYLOAD_LIMIT
from holdfast.errors import ArgumentError, PayloadError, RunFailedError, SealedPayloadError
from holdfast.history import History, dump_history, parse_history
from holdfast.payloads import Chain, Compress, Encrypt, new_key
from holdfast.replay import replay

OLD, NEW = new_key("k1"), new_key("k2")
SECRET = "Sesame-4711"
PLACE = ("inbound.body", "run-1", 3)


@activity.define(retry=Retry(max_attempts=2, initial=timedelta(seconds=1)))
async def charge(card: str) -> str:
    activity.heartbeat({"at": SECRET})
    if card.endswith("!"):
        raise ApplicationError(f"refused {card}", details={"card": card})
    return f"paid {card}"


@workflow.define
async def order(card: str) -> str:
    paid = await charge(card)
    try:
        await charge(f"{card}!")
    except ActivityError as error:
        paid += error.message
    await asyncio.sleep(1)
    await workflow.approval("ok", ask=f"Ship for {card}?", to=[card], answer=str)
    return paid


@workflow.define
async def failing(card: str) -> None:
    await workflow.approval("go", ask="?", to=["ops"], answer=bool)
    raise ApplicationError(f"no {card}")


def opened(path: Path, clock: VirtualClock, keys: str | None) -> Client:
    return Client(path, clock=clock, codecs=[Compress(threshold=10), Encrypt(keys)] if keys else [])


def worker_of(client: Client) -> Worker:
    return Worker(client, workflows=[order, failing], activities=[charge])


async def settle(client: Client, clock: VirtualClock) -> None:
    for _ in range(4):
        await worker_of(client).run_until_idle()
        clock.advance(timedelta(seconds=6))


def at_rest(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("h.db*"))


@pytest.mark.construct("authenticated encryption")
async def test_nothing_that_a_user_put_in_is_readable_at_rest(
    tmp_path: Path, clock: VirtualClock
) -> None:
    client = opened(tmp_path / "h.db", clock, OLD)
    handle = await client.start(order, SECRET, id="o")
    lost = await client.start(failing, SECRET, id="f")
    await settle(client, clock)
    await handle.decide("ok", f"yes {SECRET}", by="ana", comment=f"I know {SECRET}")
    await lost.decide("go", answer=True, by="ana")
    stopped = await client.start(order, SECRET, id="s", queue="nobody")
    await stopped.cancel(reason=SECRET)
    await stopped.terminate(reason=SECRET)
    await settle(client, clock)

    result = await client.get("o", order).result()
    with pytest.raises(RunFailedError, match=SECRET):
        await lost.result()
    history = await handle.history()
    client.close()

    assert SECRET in result
    assert replay(parse_history(dump_history(history)), order).ok
    assert SECRET.encode() not in at_rest(tmp_path)
    assert b"charge" in at_rest(tmp_path)  # names stay readable


async def test_a_run_without_its_key_is_shown_held_and_goes_on_with_the_key(
    tmp_path: Path, clock: VirtualClock
) -> None:
    client = opened(tmp_path / "h.db", clock, OLD)
    handle = await client.start(order, SECRET, id="o")
    await settle(client, clock)
    client.close()

    without = opened(tmp_path / "h.db", clock, None)
    detail = await without.describe("o")
    (asked,) = await without.approvals()
    with pytest.raises(SealedPayloadError, match="key k1 is not known here"):
        await without.history("o")
    with pytest.raises(SealedPayloadError, match="HOLDFAST_KEYS"):
        await without.decide("o", "ok", "yes", by="ana")
    await without.cancel("o")
    await worker_of(without).run_until_idle()
    held = (await without.describe("o")).summary
    without.close()

    assert detail.summary.verdict.code == "human.waiting"
    assert asked.ask == "encrypted: key k1 is not known here"
    assert len(detail.history.turns) == len((await _history(tmp_path, clock)).turns) - 1
    assert (held.status, held.verdict.code) == ("open", "stuck.poison_payload")
    assert held.verdict.worst.why == (
        "The payload in command.body of run o (#1) is encrypted with key k1, which the worker that took the run does not "
        "have. Nothing is lost."
    )
    assert held.verdict.worst.site == "command.body of run o (#1)"
    assert held.verdict.worst.next.startswith("Stays as it is until a worker that has key k1 comes")
    assert held.verdict.worst.actions[0] == "Start a worker that has key k1 in HOLDFAST_KEYS"

    again = opened(tmp_path / "h.db", clock, OLD)
    await worker_of(again).run_until_idle()
    assert (await again.describe("o")).summary.status == "cancelled"
    again.close()
    assert handle.id == "o"


async def _history(folder: Path, clock: VirtualClock) -> History:
    client = opened(folder / "h.db", clock, OLD)
    found = await client.history("o")
    client.close()
    return found


async def test_an_activity_whose_arguments_are_sealed_is_put_back_and_costs_no_attempt(
    tmp_path: Path, clock: VirtualClock
) -> None:
    client = opened(tmp_path / "h.db", clock, OLD)
    await client.start(order, SECRET, id="o")
    await Worker(client, workflows=[order]).run_until_idle()
    client.close()

    without = opened(tmp_path / "h.db", clock, None)
    for _ in range(4):
        await Worker(without, activities=[charge]).run_until_idle()
        clock.advance(timedelta(seconds=6))
    (row,) = (await without.describe("o")).activities
    without.close()

    assert (row.state, row.attempt, row.error_type) == ("backoff", 0, "SealedPayloadError")


@pytest.mark.construct("rotation of keys")
async def test_keys_are_rotated_and_rows_of_every_age_are_read(
    tmp_path: Path, clock: VirtualClock
) -> None:
    for keys in (None, OLD, f"{NEW},{OLD}"):
        client = opened(tmp_path / "h.db", clock, keys)
        await client.start(
            order, "card", id="o"
        )  # the same request, whichever key its digest was made with
        await settle(client, clock)
        client.close()
    client = opened(tmp_path / "h.db", clock, f"{NEW},{OLD}")
    await client.decide("o", "ok", "yes", by="ana")
    await settle(client, clock)

    assert (await client.get("o", order).result()).startswith("paid card")
    client.close()


@pytest.mark.construct("authenticated encryption")
def test_each_way_in_which_bytes_do_not_open_is_told() -> None:
    sealed = Chain([Encrypt(OLD)]).pack({"a": 1}, *PLACE)
    other = Chain([Encrypt(new_key("k1"))])

    assert Chain([Encrypt(f"{NEW},{OLD}")]).unpack(sealed, *PLACE) == {"a": 1}
    with pytest.raises(
        SealedPayloadError, match=r"inbound\.body of run run-1 \(#3\).*does not open with key k1"
    ):
        other.unpack(sealed, *PLACE)
    with pytest.raises(SealedPayloadError, match="changed or moved"):
        Chain([Encrypt(OLD)]).unpack(sealed[:-1] + bytes([sealed[-1] ^ 1]), *PLACE)
    with pytest.raises(SealedPayloadError, match="changed or moved"):
        Chain([Encrypt(OLD)]).unpack(sealed, "inbound.body", "run-2", 3)
    with pytest.raises(SealedPayloadError, match="key k1 is not known here"):
        Chain([Encrypt(NEW)]).unpack(sealed, *PLACE)
    with pytest.raises(SealedPayloadError, match="'mine' is not known here"):
        Chain().unpack(b"\xf5\x04mineabc", *PLACE)
    for cut in range(1, len(sealed)):
        with pytest.raises(PayloadError):
            Chain([Encrypt(OLD)]).unpack(sealed[:cut], *PLACE)


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(
        __import__("sys").modules, "cryptography.hazmat.primitives.ciphers.aead", None
    )

    with pytest.raises(PayloadError, match=r"pip install 'holdfast\[encryption\]'"):
        Encrypt(OLD)


@pytest.mark.parametrize(
    "text",
    ["", "k1", "k1:abc", f"{OLD},{OLD}", "a b:" + OLD.partition(":")[2]],
    ids=["empty", "name", "short", "twice", "blank"],
)
def test_keys_that_are_wrong_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Encrypt(text)

    assert OLD.partition(":")[2] not in caught.value.message


@pytest.mark.construct("compression")
def test_compression_pays_or_is_left_out() -> None:
    chain = Chain([Compress(threshold=100)])

    assert chain.pack("short") == b'"short"'
    assert len(chain.pack("x" * 10_000)) < 200
    assert Chain().unpack(chain.pack("x" * 10_000)) == "x" * 10_000  # reading needs no setting


def test_a_text_that_looks_like_an_envelope_is_still_that_text() -> None:
    for chain in (Chain(), Chain([Encrypt(OLD)])):
        for text in ("", "plain", "\x01hf:abc", "\x01hf:"):
            assert chain.unpack_text(chain.pack_text(text, *PLACE), *PLACE) == text


def test_the_command_makes_a_key_that_the_environment_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = CliRunner().invoke(main, ["keys", "new", "--id", "k7"]).output.strip()
    monkeypatch.setenv("HOLDFAST_KEYS", made)

    client = Client(tmp_path / "h.db")
    sealed = client.database.chain.pack(SECRET, *PLACE)
    client.close()

    assert made.startswith("k7:")
    assert SECRET.encode() not in sealed
    assert Chain([Encrypt(made)]).unpack(sealed, *PLACE) == SECRET


@workflow.define
async def stubborn(size: int) -> str:
    try:
        await charge("x" * size)
    except PayloadError:
        return "went on"
    return "sent"


async def test_an_argument_over_the_limit_is_never_recorded_even_where_code_catches_it(
    tmp_path: Path, clock: VirtualClock
) -> None:
    client = Client(tmp_path / "h.db", clock=clock, payload_limit=1000)
    handle = await client.start(stubborn, 2000)
    worker = Worker(client, workflows=[stubborn], activities=[charge])
    for _ in range(3):
        await worker.run_until_idle()
        clock.advance(timedelta(seconds=6))

    verdict = (await handle.describe()).summary.verdict
    client.close()
    assert verdict.code == "stuck.workflow_bug"
    assert "Argument 'card' of charge is 2,002 bytes as JSON; the limit is 1,000" in verdict.why
    assert PAYLOAD_LIMIT == 2_000_000
