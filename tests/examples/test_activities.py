"""The activities of the research agent, called for real against the stand-in world."""

import asyncio
import hashlib
import os
import signal
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import httpx
import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pypdf import PdfReader

from holdfast import ApplicationError, activity
from holdfast.client import Client
from holdfast.errors import RunFailedError
from holdfast.worker import Worker
from research_agent.activities import (
    ALL,
    fetch_news,
    fetch_rates,
    look_up_company,
    render_pdf,
    search_corpus,
    send_mail,
    synthesise,
    write_crm,
)
from research_agent.activities.answer import number_sources
from research_agent.activities.calls import ServiceError
from research_agent.activities.corpus import to_query
from research_agent.activities.pdf import to_latin
from research_agent.flow import research
from research_agent.model import Draft, Fact, Passage, PdfFile, Request, Source, Usage
from research_agent.settings import REQUIRED, SettingsError, load_settings
from research_agent.world import World

QUESTION = "How do I wait for several calls with asyncio gather?"
PASSAGE = Passage(source="docs", title="Bridge", excerpt="It is 300 metres long.", score=1.0)
FACT = Fact(source="http://register.example", title="Register", text="Nordlicht is active.")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(
    world: World, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Point the settings to the world, and give each test its own idempotency key."""
    for name in (*REQUIRED, "SMTP_PORT", "SMTP_USER", "SMTP_STARTTLS", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RESEARCH_AGENT_WORLD", str(world.settings_file))
    monkeypatch.setattr(activity, "idempotency_key", lambda: request.node.name)


def draft(question: str = QUESTION, *, answer: str = "It is long. [1]", sources: int = 7) -> Draft:
    return Draft(
        question=question,
        answer=answer,
        sources=tuple(
            Source(number=n, title=f"Page {n}", origin=f"page-{n}.md", excerpt="It is long. " * 9)
            for n in range(1, sources + 1)
        ),
        usage=Usage(model="stand-in-1", input_tokens=1, output_tokens=1),
        written_at=datetime(2025, 1, 2, tzinfo=UTC),
    )


def text_of(pdf: PdfFile) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(pdf.path).pages)


# search


def test_search_finds_the_documentation_of_gather() -> None:
    passages = search_corpus.fn(QUESTION)

    assert passages[0].title == "asyncio.gather"
    assert passages[0].source.startswith("Python 3")
    assert [p.score for p in passages] == sorted((p.score for p in passages), reverse=True)
    assert all(passage.excerpt and passage.score > 0 for passage in passages)


def test_search_finds_the_pages_of_this_repository() -> None:
    found = search_corpus.fn("Which mail server suppresses duplicates by Message-ID?")

    assert "research_agent/README.md" in {passage.source for passage in found}


@pytest.mark.parametrize(
    "question",
    [
        '"',
        "'; DROP TABLE passage; --",
        "a AND",
        "NOT",
        "NEAR(x y, 2)",
        "title:x*",
        "^-+{}()",
        "x\0y",
    ],
)
def test_search_survives_query_syntax_in_a_question(question: str) -> None:
    assert isinstance(search_corpus.fn(question), list)


@pytest.mark.parametrize("question", ["", "   ", "🤖🤖", "???", "what is the", "\ud800", "zqxjkvw"])
def test_search_without_a_telling_word_finds_nothing(question: str) -> None:
    assert search_corpus.fn(question) == []


def test_a_very_long_question_is_cut() -> None:
    query = to_query(" ".join(f"word{n}" for n in range(10_000)))

    assert query.count(" OR ") < 50


def test_two_searches_may_build_the_index_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_DATA", str(tmp_path))

    async def search_twice() -> list[list[Passage]]:
        calls = (asyncio.to_thread(search_corpus.fn, QUESTION) for _ in range(2))
        found: list[list[Passage]] = await asyncio.gather(*calls)
        return found

    first, second = asyncio.run(search_twice())
    assert first == second != []
    assert [path.suffix for path in tmp_path.iterdir()] == [".sqlite3"]


# lookups


def test_the_company_is_found_in_the_register() -> None:
    fact = asyncio.run(look_up_company.fn("Nordlicht Söhne & Co. GmbH"))

    assert fact.text.startswith("Nordlicht Söhne & Co. GmbH of ")
    assert "is active under LEI" in fact.text


def test_rates_name_their_day_and_leave_out_the_currency_itself() -> None:
    fact = asyncio.run(fetch_rates.fn("USD"))

    assert fact.text == "On 2025-01-02 one USD was worth 0.8544 EUR, 0.745 GBP."


def test_an_unknown_currency_is_not_tried_again() -> None:
    with pytest.raises(ApplicationError, match="refused with 404") as caught:
        asyncio.run(fetch_rates.fn("XXX"))

    assert caught.value.non_retryable


def test_headlines_name_the_customer() -> None:
    facts = asyncio.run(fetch_news.fn('The "Nordlicht" GmbH'))

    assert len(facts) == 3
    assert facts[0].text == "The Nordlicht GmbH opens a second warehouse (2025-01-01)."


def test_an_outage_is_worth_retrying(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_URL", f"{world.settings['FLAKY_URL']}/news")

    with pytest.raises(ServiceError, match="answered 503: The flaky service is out of order"):
        asyncio.run(fetch_news.fn("Nordlicht"))


# the paid call


def test_an_answer_cites_passages_and_facts(world: World) -> None:
    before = world.ledger.paid_calls
    written = asyncio.run(synthesise.fn(QUESTION, [PASSAGE], [FACT]))

    assert "It is 300 metres long. [1]" in written.answer
    assert "Nordlicht is active. [2]" in written.answer
    assert [source.number for source in written.sources] == [1, 2]
    assert (written.usage.model, written.usage.output_tokens > 10) == ("stand-in-1", True)
    assert world.ledger.paid_calls - before == 1


def test_a_second_attempt_is_not_paid_again(world: World) -> None:
    before = world.ledger.paid_calls
    drafts = [asyncio.run(synthesise.fn(QUESTION, [PASSAGE], [FACT])) for _ in range(2)]

    assert drafts[0] == drafts[1]
    assert world.ledger.paid_calls - before == 1


def test_a_question_without_sources_is_answered_with_a_no() -> None:
    written = asyncio.run(synthesise.fn("Why?", [], []))

    assert written.answer == "The sources do not answer this question."


def test_a_refused_api_key_ends_the_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")

    with pytest.raises(ApplicationError, match="Incorrect API key provided") as caught:
        asyncio.run(synthesise.fn(QUESTION, [], []))
    assert caught.value.non_retryable


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_model_that_is_busy_or_broken_is_asked_again(world: World, status: int) -> None:
    world.fail("llm", status)
    with pytest.raises(ServiceError, match=f"answered {status}"):
        asyncio.run(synthesise.fn(QUESTION, [], []))
    world.heal("llm")

    assert asyncio.run(synthesise.fn(QUESTION, [], [])).answer


def test_a_service_that_is_not_there_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")

    with pytest.raises(httpx.ConnectError):
        asyncio.run(synthesise.fn(QUESTION, [], []))


def test_sources_are_numbered_passages_first() -> None:
    sources = number_sources([PASSAGE], [FACT])

    assert [(s.number, s.title) for s in sources] == [(1, "Bridge"), (2, "Register")]


# the PDF


def test_the_pdf_holds_the_question_the_answer_and_every_source() -> None:
    pdf = render_pdf.fn(draft())

    text = text_of(pdf)
    assert pdf.pages == len(PdfReader(pdf.path).pages) == 5
    assert QUESTION in text
    assert "It is long. [1]" in text
    assert all(f"[{number}] Page {number}" in text for number in range(1, 8))


def test_a_second_attempt_writes_the_same_bytes_to_the_same_file(world: World) -> None:
    before = world.ledger.pdfs
    first, second = render_pdf.fn(draft()), render_pdf.fn(draft())

    assert first == second
    assert hashlib.sha256(Path(first.path).read_bytes()).hexdigest() == first.sha256
    assert world.ledger.pdfs - before == 1


def test_a_long_answer_goes_on_over_several_pages() -> None:
    long = render_pdf.fn(draft(answer="\n\n".join(["It is very long. " * 40] * 30), sources=1))

    assert long.pages > 5


@pytest.mark.parametrize(
    "text", ["Привет 世界 🤖 €5 “ok” naïve ﬁne", "x" * 5000, "a\0b\ud800c\r\n\t", ""]
)
def test_any_text_can_be_rendered(text: str) -> None:
    assert render_pdf.fn(draft(text, answer=text)).pages >= 4


def test_letters_are_kept_where_the_font_has_them() -> None:
    assert to_latin("naïve “€5” \N{EN DASH} ﬁne Gdańsk ю") == 'naïve "EUR5" - fine Gdansk ?'


def test_a_kill_in_the_middle_leaves_no_half_pdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_DATA", str(tmp_path))
    with render_elsewhere(page_delay=timedelta(minutes=1)) as process:
        assert process.stdout
        assert process.stdout.readline() == b"page 1\n"
        os.kill(process.pid, signal.SIGKILL)

    outbox = tmp_path / "outbox"
    assert [path.suffix for path in outbox.iterdir()] == [".part"]
    pdf = render_pdf.fn(draft())
    assert [str(path) for path in outbox.iterdir()] == [pdf.path]


def render_elsewhere(*, page_delay: timedelta) -> subprocess.Popen[bytes]:
    """Render in another process, which prints its heartbeats."""
    program = f"""
import datetime
from holdfast import activity
from research_agent.activities import render_pdf
from research_agent.model import Draft, Source, Usage
activity.idempotency_key = lambda: {activity.idempotency_key()!r}
activity.heartbeat = lambda details: print(details, flush=True)
render_pdf.fn({draft()!r})
"""
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(EXAMPLES), os.environ.get("PYTHONPATH")])),
        "RESEARCH_AGENT_PAGE_DELAY": str(page_delay.total_seconds()),
    }
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environ)


# the mail


def last_mail(world: World) -> Message:
    newest = max(world.directory.glob("mailbox/*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return message_from_bytes(newest.read_bytes())


def test_a_second_attempt_delivers_no_second_mail(world: World) -> None:
    pdf, before = render_pdf.fn(draft()), world.ledger.mails
    ids = [send_mail.fn("office@nordlicht.example", draft(), pdf) for _ in range(2)]

    assert ids[0] == ids[1]
    assert world.ledger.mails - before == 1
    assert world.ledger.calls["smtp"] >= 2


def test_the_mail_carries_the_answer_and_the_pdf(world: World) -> None:
    pdf = render_pdf.fn(draft())
    message_id = send_mail.fn("office@nordlicht.example", draft(), pdf)

    mail = last_mail(world)
    text, attached = (
        part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()
    )
    assert mail["Message-ID"] == message_id
    assert mail["Subject"] == f"Report: {QUESTION}"
    assert isinstance(text, bytes)
    assert b"It is long. [1]" in text
    assert attached == Path(pdf.path).read_bytes()


def test_a_question_over_several_lines_makes_one_subject(world: World) -> None:
    asked = draft("How\nlong?\r\nBcc: other@nordlicht.example")
    send_mail.fn("office@nordlicht.example", asked, render_pdf.fn(asked))

    mail = last_mail(world)
    assert mail["Subject"] == "Report: How long? Bcc: other@nordlicht.example"
    assert mail["Bcc"] is None


def test_a_pdf_changed_after_the_approval_is_not_sent(world: World) -> None:
    pdf, before = render_pdf.fn(draft()), world.ledger.calls.get("smtp", 0)
    Path(pdf.path).write_bytes(b"something else")

    with pytest.raises(ApplicationError, match="is not the PDF that was approved") as caught:
        send_mail.fn("office@nordlicht.example", draft(), pdf)
    assert caught.value.non_retryable
    assert world.ledger.calls.get("smtp", 0) == before


def test_a_busy_mail_server_is_asked_again_and_a_refusal_is_final(world: World) -> None:
    pdf = render_pdf.fn(draft())
    world.fail("smtp", 451)
    with pytest.raises(smtplib.SMTPDataError):
        send_mail.fn("office@nordlicht.example", draft(), pdf)
    world.fail("smtp", 554)
    with pytest.raises(ApplicationError, match="refused with 554: The mail server is out of order"):
        send_mail.fn("office@nordlicht.example", draft(), pdf)
    world.heal("smtp")

    assert send_mail.fn("office@nordlicht.example", draft(), pdf)


class Inbox:
    """Keeps the number of mails that came over TLS after a login."""

    def __init__(self) -> None:
        self.safe = 0

    async def handle_DATA(self, _server: SMTP, session: Session, _envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd calls it)
        self.safe += bool(session.ssl and session.authenticated)
        return "250 OK"


def log_in(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
) -> AuthResult:
    return AuthResult(success=data.login == b"agent" and data.password == b"secret", handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(key)
    authority.cert_pem.write_to_path(certificate)
    return key, certificate


@pytest.mark.parametrize(("password", "delivered"), [("secret", 1), ("wrong", 0)])
def test_mail_goes_over_tls_with_a_login_when_the_settings_say_so(
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    password: str,
    delivered: int,
) -> None:
    inbox, pdf = Inbox(), render_pdf.fn(draft())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    monkeypatch.setenv("SMTP_STARTTLS", "1")
    monkeypatch.setenv("SMTP_USER", "agent")
    monkeypatch.setenv("SMTP_PASSWORD", password)

    async def send_over_tls() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate[0])
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(
                inbox, hostname="mail.example", tls_context=context, require_starttls=True,
                authenticator=log_in, auth_required=True,
            ),
            "127.0.0.1",
        )  # fmt: skip
        async with server:
            monkeypatch.setenv("SMTP_PORT", str(server.sockets[0].getsockname()[1]))
            await asyncio.to_thread(send_mail.fn, "office@nordlicht.example", draft(), pdf)

    if delivered:
        asyncio.run(send_over_tls())
    else:
        with pytest.raises(ApplicationError, match="refused with 535"):
            asyncio.run(send_over_tls())
    assert inbox.safe == delivered


# the CRM


def test_a_second_attempt_writes_no_second_row(world: World) -> None:
    before = world.ledger.crm_rows
    rows = [asyncio.run(write_crm.fn("Nordlicht", "Sent a report")) for _ in range(2)]

    assert rows[0] == rows[1]
    assert world.ledger.crm_rows - before == 1


def test_an_activity_called_outside_a_workflow_just_runs() -> None:
    async def call() -> tuple[list[Passage], Fact]:
        return await search_corpus(QUESTION), await fetch_rates("EUR")

    passages, rates = asyncio.run(call())
    assert passages[0].title == "asyncio.gather"
    assert "one EUR was worth" in rates.text


# settings and requests


def test_missing_settings_are_named_with_what_to_do() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"CRM_URL": "http://crm.example"})

    message = str(caught.value)
    assert message.startswith("The research agent has no value for OPENAI_BASE_URL, OPENAI_API_KEY")
    assert "CRM_URL" not in message
    assert "python -m research_agent.world" in message
    assert message.count(". ") == 0  # one sentence


def test_a_world_that_is_not_running_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"is `python -m research_agent\.world` running"
    ) as caught:
        load_settings({"RESEARCH_AGENT_WORLD": str(tmp_path / "world.json")})

    assert not caught.value.non_retryable  # it may be starting again


def test_the_environment_wins_over_the_world(world: World) -> None:
    settings = load_settings(
        {"RESEARCH_AGENT_WORLD": str(world.settings_file), "CRM_URL": "http://crm.example/"}
    )

    assert settings.crm_url == "http://crm.example"
    assert settings.data == world.directory


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SMTP_PORT", "smtp", "a number from 1 to 65535"),
        ("SMTP_PORT", "25.5", "a number from 1 to 65535"),
        ("SMTP_PORT", "0", "a number from 1 to 65535"),
        ("SMTP_PORT", "65536", "a number from 1 to 65535"),
        ("RESEARCH_AGENT_PAGE_DELAY", "nan", "a number of seconds"),
        ("RESEARCH_AGENT_PAGE_DELAY", "-1", "a number of seconds"),
        ("OPENAI_BASE_URL", "notaurl", "an address such as https://service.example/v1"),
        ("COMPANY_URL", "ftp://register.example", "an address such as"),
        ("RATES_URL", "https://", "an address such as"),
        ("NEWS_URL", "http://news.example:99999", "an address such as"),
        ("CRM_URL", "http://crm.example:abc", "an address such as"),
    ],
)
def test_a_setting_of_the_wrong_form_is_named(
    world: World, name: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"RESEARCH_AGENT_WORLD": str(world.settings_file), name: value})

    assert caught.value.message.startswith(f"{name} must be {expected}")
    assert caught.value.message.endswith(f", not {value!r}.")
    assert caught.value.non_retryable


def test_a_world_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="which cannot be read") as caught:
        load_settings({"RESEARCH_AGENT_WORLD": str(tmp_path)})

    assert caught.value.non_retryable


async def test_a_wrong_setting_fails_the_run_instead_of_retrying_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWS_URL", "notaurl")
    request = Request(question=QUESTION, customer="Nordlicht", email="office@nordlicht.example")
    with closing(Client(tmp_path / "runs.db")) as client:
        handle = await client.start(research, request)
        await Worker(client, workflows=[research], activities=ALL).run_until_idle()

        with pytest.raises(RunFailedError, match="NEWS_URL must be an address such as"):
            await handle.result(timeout=timedelta(seconds=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": " "}, "needs a question"),
        ({"email": "nobody"}, "no e-mail address"),
        ({"email": "a@b\nBcc: c@d"}, "no e-mail address"),
        ({"currency": "usd"}, "no currency code"),
    ],
)
def test_a_request_is_checked_where_it_is_made(change: dict[str, str], message: str) -> None:
    fields = {"question": "Why?", "customer": "Nordlicht", "email": "office@nordlicht.example"}
    with pytest.raises(ValueError, match=message):
        Request(**(fields | change))
