"""The stand-ins: real protocols over real sockets, one effect per key, and a ledger of it."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from research_agent.world import World, read_ledger
from research_agent.world.ledger import Entry, Journal
from research_agent.world.llm import answer, price

DEADLINE = 10
EXAMPLES = Path(__file__).parents[2] / "examples"
PROMPT = (
    "Question: How long is it?\n\nSources:\n\n"
    "[1] Bridge (pages.md)\nThe bridge is 300 metres long. It is old.\n\n"
    "[2] Register entry (http://register.example)\nNordlicht is active."
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world")) as running:
        yield running


def ask(
    world: World, key: str | None, *, prompt: str = PROMPT, bearer: str = "stand-in"
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}"} | ({"Idempotency-Key": key} if key else {})
    body = {"model": "stand-in-1", "messages": [{"role": "user", "content": prompt}]}
    url = f"{world.settings['OPENAI_BASE_URL']}/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=DEADLINE)


def add_note(world: World, key: str) -> dict[str, Any]:
    url = f"{world.settings['CRM_URL']}/notes"
    reply = httpx.post(url, json={"note": "sent"}, headers={"Idempotency-Key": key})
    row: dict[str, Any] = reply.raise_for_status().json()
    return row


def send(world: World, message_id: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "research@agent.example", "office@nordlicht.example"
    message["Subject"], message["Message-ID"] = "Report", message_id
    message.set_content("Here it is.")
    port = int(world.settings["SMTP_PORT"])
    with smtplib.SMTP(world.settings["SMTP_HOST"], port, timeout=DEADLINE) as server:
        server.send_message(message)


def test_the_language_model_cites_the_sources_of_the_prompt() -> None:
    text = answer(PROMPT)

    assert "The bridge is 300 metres long. [1]" in text
    assert "Nordlicht is active. [2]" in text
    assert "It is old" not in text


def test_the_language_model_admits_that_no_source_answers() -> None:
    assert answer("Question: Why?") == "The sources do not answer this question."


def test_a_repeated_key_gets_the_stored_answer_and_is_not_charged(world: World) -> None:
    before = world.ledger
    first, second = ask(world, "llm-repeat"), ask(world, "llm-repeat", prompt="Another question?")

    after = world.ledger
    assert second.json() == first.json()
    assert after.paid_calls - before.paid_calls == 1
    assert after.calls["llm"] - before.calls.get("llm", 0) == 2
    assert after.cost - before.cost == price(first.json()["usage"]) > Decimal(0)


def test_calls_with_other_keys_or_none_are_charged_each(world: World) -> None:
    before = world.ledger.paid_calls
    for key in ("llm-a", "llm-b", None, None):
        assert ask(world, key).is_success

    assert world.ledger.paid_calls - before == 4


def test_a_wrong_api_key_is_refused_free_of_charge(world: World) -> None:
    before = world.ledger.paid_calls
    reply = ask(world, "llm-401", bearer="wrong")

    assert reply.status_code == 401
    assert reply.json()["error"]["message"] == "Incorrect API key provided."
    assert world.ledger.paid_calls == before


def test_the_crm_writes_one_row_per_key(world: World) -> None:
    before = world.ledger.crm_rows
    first, repeat, other = (add_note(world, key) for key in ("crm-1", "crm-1", "crm-2"))

    rows = httpx.get(f"{world.settings['CRM_URL']}/notes").json()
    assert first == repeat != other
    assert world.ledger.crm_rows - before == 2
    assert rows[-2:] == [first, other]


def test_the_mail_server_keeps_one_mail_per_message_id(world: World) -> None:
    before = world.ledger.mails
    for message_id in ("<one@agent.example>", "<one@agent.example>", "<two@agent.example>"):
        send(world, message_id)

    assert world.ledger.mails - before == 2
    assert len(list(world.directory.glob("mailbox/*.eml"))) == world.ledger.mails


@pytest.mark.parametrize(
    ("service", "setting", "path", "query"),
    [
        ("company", "COMPANY_URL", "/lei-records", {"filter[entity.legalName]": "Nordlicht"}),
        ("rates", "RATES_URL", "/latest", {"base": "USD", "symbols": "EUR"}),
        ("news", "NEWS_URL", "", {"query": '"Nordlicht"'}),
    ],
)
def test_a_lookup_is_counted_and_changes_nothing(
    world: World, service: str, setting: str, path: str, query: dict[str, str]
) -> None:
    before = world.ledger.calls.get(service, 0)
    replies = [httpx.get(world.settings[setting] + path, params=query) for _ in range(2)]

    assert replies[0].is_success
    assert replies[0].json() == replies[1].json()
    assert world.ledger.calls[service] - before == 2
    assert not any(entry.effect for entry in world.ledger.entries if entry.service == service)


def test_the_flaky_path_never_works(world: World) -> None:
    reply = httpx.get(f"{world.settings['FLAKY_URL']}/news")

    assert reply.status_code == 503
    assert world.ledger.entries[-1].status == 503


def test_a_fault_is_switched_on_and_off_while_the_world_runs(world: World) -> None:
    world.fail("llm", 429)
    broken = ask(world, "llm-fault").status_code
    world.heal("llm")

    assert (broken, ask(world, "llm-fault").status_code) == (429, 200)


def test_a_broken_mail_server_delivers_nothing(world: World) -> None:
    before = world.ledger.mails
    world.fail("smtp", 451)
    with pytest.raises(smtplib.SMTPDataError, match="out of order"):
        send(world, "<fault@agent.example>")
    world.heal("smtp")
    send(world, "<fault@agent.example>")

    assert world.ledger.mails - before == 1


def test_the_table_shows_effects_repeats_and_refusals(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "web.jsonl")
    journal.record(Entry(service="llm", operation="x", key="k", effect=True, cost=Decimal("0.5")))
    journal.record(Entry(service="llm", operation="x", key="k"))
    journal.record(Entry(service="llm", operation="x", key="z", status=503))
    journal.close()

    lines = read_ledger(tmp_path).table().splitlines()
    assert lines[1].split() == ["llm", "3", "1", "1", "1", "0.500000"]
    assert lines[2] == "mails 0, CRM rows 0, PDFs 0, paid calls 1, cost EUR 0.500000"


def test_half_a_line_left_by_a_killed_process_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "web.jsonl"
    whole = Entry(service="crm", operation="add_note", key="a", effect=True).to_line()
    path.write_bytes(whole + whole[:20])
    journal = Journal(path)
    journal.record(Entry(service="crm", operation="add_note", key="b", effect=True))
    journal.close()

    assert [entry.key for entry in read_ledger(tmp_path).entries] == ["a", "b"]


def test_state_and_ports_survive_a_restart(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        settings, reply, row = world.settings, ask(world, "k").json(), add_note(world, "k")
        send(world, "<k@agent.example>")
    with World(tmp_path) as world:
        assert world.settings == settings
        assert ask(world, "k").json() == reply
        assert add_note(world, "k") == row
        send(world, "<k@agent.example>")

        ledger = world.ledger
    assert (ledger.paid_calls, ledger.crm_rows, ledger.mails) == (1, 1, 1)


def start_command(directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "research_agent.world", "--dir", str(directory)]
    environ = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


def read_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    for line in process.stdout:
        if line.startswith("export RESEARCH_AGENT_WORLD="):
            return
    raise AssertionError("The world ended before it was ready.")


def test_the_command_stops_on_sigterm_and_prints_the_ledger(tmp_path: Path) -> None:
    with start_command(tmp_path) as process:
        read_until_ready(process)
        assert (tmp_path / "world.json").exists()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=DEADLINE)

    assert process.returncode == 0
    assert "mails 0, CRM rows 0, PDFs 0, paid calls 0" in output
    assert not (tmp_path / "world.json").exists()


def test_the_stand_ins_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with start_command(tmp_path) as process:
        read_until_ready(process)
        settings = json.loads((tmp_path / "world.json").read_text())
        web = urlsplit(settings["CRM_URL"]).port
        addresses = [("127.0.0.1", int(port)) for port in (web or 0, settings["SMTP_PORT"])]
        held = [socket.create_connection(address, timeout=DEADLINE) for address in addresses]
        process.kill()

        for connection in held:
            assert hears_the_end(connection)


def hears_the_end(connection: socket.socket) -> bool:
    """Read until the other side is gone; a deadline that passes raises."""
    with connection:
        try:
            while connection.recv(1024):
                pass
        except ConnectionResetError:
            pass
    return True
