"""What is logged, recorded or printed shows no password and no key, and what was recorded before still replays."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from holdfast import Client, Retry, Worker, activity, workflow
from holdfast._masking import logger, masked
from holdfast.cli import main
from holdfast.clock import VirtualClock
from holdfast.errors import RunFailedError
from holdfast.history import dump_history, parse_history
from holdfast.payloads import Encrypt, new_key
from holdfast.replay import replay

KEY = new_key("k1")
SECRET = KEY.partition(":")[2]
PLACE = "postgresql://me:s3cret@db/orders"
SHOWN = "postgresql://me:***@db/orders"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cret@db.example:5432/orders is away", "postgresql://me:***@db.example:5432/orders is away"),
        ("postgresql+psycopg://me:p%40ss:w@db/x", "postgresql+psycopg://me:***@db/x"),
        ("postgresql://me:s3/cr't@db/x is away", "postgresql://me:***@db/x is away"),  # not encoded, as it should be
        ("amqp://:s3cret@queue", "amqp://:***@queue"),
        ("'https://u:s3cret@host/x' and http://v:t0psecret@h", "'https://u:***@host/x' and http://v:***@h"),
        ("host=db password=s3cret user=me", "host=db password=*** user=me"),
        ("host=db password='s3 cret' user=me", "host=db password=*** user=me"),
        ("connect(host='db', password='s3cret')", "connect(host='db', password=***)"),
        ("{'host': 'db', 'password': 's3cret'}", "{'host': 'db', 'password': ***}"),
        ("PGPASSWORD=s3cret psql", "PGPASSWORD=*** psql"),
        ("https://db/x?user=me&password=s3cret&y=1", "https://db/x?user=me&password=***&y=1"),
        (f"HOLDFAST_KEYS={KEY},k0:{SECRET}", "HOLDFAST_KEYS=k1:***,k0:***"),
        ("https://docs.example:8080/a@b and a:b@c", "https://docs.example:8080/a@b and a:b@c"),
        ("postgresql://me@db/orders, see http://x/y:z", "postgresql://me@db/orders, see http://x/y:z"),
        ("wrong password: try again", "wrong password: try again"),
        ("key orders/7: 3 tries = 9 s", "key orders/7: 3 tries = 9 s"),
    ],
)  # fmt: skip
def test_passwords_and_keys_are_taken_out_of_texts_and_nothing_else_is(
    text: str, shown: str
) -> None:
    assert masked(text) == shown


@activity.define(retry=Retry(max_attempts=1))
async def connecting() -> None:
    raise ConnectionError(f"no route to {PLACE} with {KEY}")


@workflow.define
async def connected() -> None:
    await connecting()


async def failed_run(client: Client) -> tuple[Any, str]:
    handle = await client.start(connected)
    await Worker(client, workflows=[connected], activities=[connecting]).run_until_idle()
    with pytest.raises(RunFailedError) as failed:
        await handle.result()
    return handle, str(failed.value)


async def test_a_secret_in_the_error_of_an_activity_reaches_neither_history_nor_log_nor_person(
    store: str | Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Client(store) as client:
        handle, told = await failed_run(client)
        detail = await handle.describe()
        shown = [dump_history(await handle.history()), caplog.text, told, str(detail.activities)]

    assert all(SHOWN in text for text in shown)
    assert not any("s3cret" in text or SECRET in text for text in [*shown, str(detail)])


async def test_what_was_recorded_with_a_secret_replays_as_it_was_recorded(tmp_path: Path) -> None:
    async with Client(tmp_path / "x.db") as client:
        handle, _ = await failed_run(client)
        recorded = dump_history(await handle.history())
    before = recorded.replace(SHOWN, PLACE)
    assert before.count("s3cret") > 1  # the event, and the command that follows from it

    result = replay(parse_history(before), connected)

    assert (result.ok, result.drifts) == (True, ())


@workflow.define
async def telling(place: str) -> None:
    raise ValueError(f"no route to {place}")


async def test_a_secret_in_a_bug_of_a_workflow_is_not_shown(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handle = await client.start(telling, PLACE)
    await Worker(client, workflows=[telling]).run_until_idle()
    detail = await handle.describe()

    assert SHOWN in str(detail.evidence.error)
    assert "s3cret" not in str(detail.evidence) + caplog.text


async def asked(_place: str) -> None:
    raise ConnectionError(f"no route to {PLACE}")


@activity.define(effect="once", reconcile=asked, retry=Retry(max_attempts=1))
async def paying(place: str) -> None:
    raise ConnectionError(f"no route to {place}")


@workflow.define
async def paid() -> None:
    await paying(PLACE)


async def test_a_secret_in_what_a_probe_says_is_not_shown(
    client: Client, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handle = await client.start(paid)
    worker = Worker(client, workflows=[paid], activities=[paying])
    for _ in range(5):  # until a person is asked
        await worker.run_until_idle()
        clock.now_ms += 60_000
    detail = await handle.describe()

    assert f"its probe raised ConnectionError: no route to {SHOWN}" in str(detail.evidence)
    assert "s3cret" not in str(detail.evidence) + caplog.text


def test_a_record_of_a_log_loses_its_secrets_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logger("holdfast.worker")
    error = ConnectionError(PLACE)
    log.error("%s is away: %s", "db", error, exc_info=error)
    log.warning("%d of %s", 3, {"a": 1})

    assert "s3cret" not in caplog.text
    assert f"ConnectionError: {SHOWN}" in caplog.text
    assert caplog.records[0].getMessage() == f"db is away: {SHOWN}"
    assert (caplog.records[1].msg, caplog.records[1].args) == ("%d of %s", (3, {"a": 1}))


def test_a_worker_that_cannot_connect_prints_no_password() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "worker", "test_secrets"], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "HOLDFAST_DB": "postgresql://me:s3cret@127.0.0.1:1/orders", "PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.startswith("holdfast: postgresql://me@127.0.0.1:1/orders cannot be used")
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@[::1/orders",
        "postgresql://me:@ s3cret@127.0.0.1:1/orders",
        "postgresql://me:x s3cret@127.0.0.1:1/orders",
        "postgresql://me:%zzs3cret@127.0.0.1:1/orders",
        "postgresql://me:s3cret@127.0.0.1:1/orders?sslmood=s3cret&password=s3cret",
    ],
)
def test_a_command_does_not_print_the_password_of_a_url_that_cannot_be_read(url: str) -> None:
    done = CliRunner().invoke(main, ["runs", "--db", url])

    assert done.exit_code == 2
    assert "Expected postgresql://user:password@host:5432/database." in done.stderr
    assert "s3cret" not in done.output


def test_a_key_is_not_shown_by_what_holds_it(tmp_path: Path) -> None:
    client = Client(tmp_path / "s.db", codecs=[Encrypt(KEY)])

    shown = repr(client), repr(client.database.chain), repr(Encrypt(KEY)), client.database.chain.id
    client.close()

    assert not any(SECRET in text for text in shown)
