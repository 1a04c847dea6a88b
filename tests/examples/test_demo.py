"""`holdfast demo`, performed by real processes and watched from outside."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from holdfast.client import AttemptSummary
from holdfast.errors import UsageError
from research_agent.demo import demo
from research_agent.stage import story
from research_agent.stage.crew import Crew, Member
from research_agent.stage.errors import StoryError
from research_agent.stage.services import (
    NAMES,
    check_settings,
    compose_environment,
    describe_services,
)
from research_agent.stage.stage import Stage
from research_agent.stage.verdict import count_effects
from research_agent.world import Entry, Ledger

PATIENCE_SECONDS = 90
GLANCE_SECONDS = 0.1
HOLDFAST = Path(sys.executable).with_name("holdfast")
# Imported by every Python process at its start: each effect goes into the journals twice.
DOUBLED = """
from research_agent.world.ledger import Journal

record = Journal.record

def record_twice(self, entry):
    return record(self, record(self, entry) if entry.effect else entry)

Journal.record = record_twice
"""
# Worker A is asked to end, which it does in good order, instead of being killed.
SPARED = """
from research_agent.stage.crew import Crew

def spare(self, member):
    self._members.remove(member)
    member.process.terminate()
    return member.process.wait()

Crew.kill = spare
"""
NOBODY = "http://127.0.0.1:1/v1"


@dataclass(frozen=True, kw_only=True)
class Performance:
    """One `holdfast demo` process, and what it says."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def said(self) -> str:
        return " ".join(self.output.split())

    @property
    def output(self) -> str:
        return self.folder.with_suffix(".txt").read_text("utf-8")

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            found = re.search(pattern, self.said)
            if found:
                return found
            assert not ended, self.output
            time.sleep(GLANCE_SECONDS)
        raise AssertionError(f"{pattern!r} was not said: {self.output}")

    def wait(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def find_processes(self) -> list[str]:
        """Return the command lines that name the folder, but for the demonstration's own."""
        lines = list_commands()
        return [line for line in lines if str(self.folder) in line and "demo" not in line.split()]

    def wait_for_silence(self) -> None:
        """Wait until no process of the demonstration is left."""
        deadline = time.monotonic() + 10
        while self.find_processes():
            assert time.monotonic() < deadline, self.find_processes()
            time.sleep(GLANCE_SECONDS)


def list_commands() -> list[str]:
    """Return the command line of every process."""
    if not Path("/proc/self").exists():
        listed = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, check=True)
        return listed.stdout.decode().splitlines()
    return [read_command(path) for path in Path("/proc").glob("[0-9]*/cmdline")]


def read_command(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has just ended
        return ""


class Theatre:
    """Starts performances at once, because each takes its time, and ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.performances: list[Performance] = []

    def perform(self, name: str, *options: str, **environ: str) -> Performance:
        folder = self._folder / name
        with folder.with_suffix(".txt").open("wb") as output:
            process = subprocess.Popen(
                [HOLDFAST, "demo", "--dir", str(folder), *options],
                stdout=output,
                stderr=output,
                cwd=self._folder,
                env=without_services() | environ,
            )
        self.performances.append(Performance(process=process, folder=folder))
        return self.performances[-1]

    def close(self) -> None:
        for performance in self.performances:
            performance.process.kill()
            performance.process.wait()


def without_services() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in NAMES}


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Performance]]:
    folder = tmp_path_factory.mktemp("theatre")
    doubled, spared = change(folder / "a", DOUBLED), change(folder / "b", SPARED)
    stage = Theatre(folder)
    refusing = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=refusing.serve_forever, daemon=True).start()
    refusal = f"http://127.0.0.1:{refusing.server_port}/v1"
    key = {"OPENAI_API_KEY": "secret"}
    try:
        yield {
            "once": stage.perform("once", "--once"),
            "doubled": stage.perform("doubled", "--once", PYTHONPATH=doubled),
            "spared": stage.perform("spared", "--once", PYTHONPATH=spared),
            "unheard": stage.perform("unheard", "--once", OPENAI_BASE_URL=NOBODY, **key),
            "refused": stage.perform("refused", "--once", OPENAI_BASE_URL=refusal, **key),
            "served": stage.perform("served"),
            "killed": stage.perform("killed"),
        }
    finally:
        stage.close()
        refusing.shutdown()
        refusing.server_close()


class Refusing(BaseHTTPRequestHandler):
    """Answers every call as a service does that does not know the key."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401)
        self.end_headers()
        self.wfile.write(b'{"error": {"message": "Who are you?"}}')

    def log_message(self, *_: object) -> None:
        pass


def change(folder: Path, program: str) -> str:
    """Return a PYTHONPATH by which every process of a performance runs a program at its start."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(program)
    return os.pathsep.join([str(folder), str(Path(__file__).parents[2] / "examples")])


# the performance


def test_a_killed_demonstration_leaves_no_process_behind(theatre: dict[str, Performance]) -> None:
    killed = theatre["killed"]
    killed.wait_for("Worker A is ready")
    assert len(killed.find_processes()) == 3  # worker, web and mail

    killed.process.kill()
    killed.wait_for_silence()


def test_once_tells_of_the_kill_and_the_takeover_and_counts_one_of_each(
    theatre: dict[str, Performance],
) -> None:
    once = theatre["once"]

    assert once.wait() == 0, once.output
    victim = once.wait_for(r"kill -9 (\d+): worker A is dead, in the middle of the PDF")[1]
    once.wait_for(rf"Of attempt 1 is recorded: worker \S+-{victim}-\S+ stopped during the attempt")
    once.wait_for("mails 1, CRM rows 1, PDFs 1, paid calls 1, cost EUR 0.00")
    for what in ("paid LLM calls", "PDFs", "mails", "CRM rows"):
        once.wait_for(rf"ok {what}: 1 \(expected 1\)")
    once.wait_for_silence()


def test_the_worker_is_killed_when_half_of_the_pages_are_done(
    theatre: dict[str, Performance],
) -> None:
    once = theatre["once"]
    total = int(once.wait_for(r"ended: (\d+) pages are on their way")[1])
    pages = [int(page) for page in re.findall(r"Worker A has rendered page (\d+)\.", once.said)]

    assert 1 < total / 2 <= pages[-1] < total


def test_a_service_that_does_not_answer_is_told_while_the_story_waits(
    theatre: dict[str, Performance],
) -> None:
    unheard = theatre["unheard"]
    retries = r"report-1 retries: synthesise failed {}, last ConnectError: .*?; attempt {} "

    unheard.wait_for(retries.format("once", 2))
    unheard.wait_for(retries.format(r"\d times", r"\d"))
    times = [float(at) for at in re.findall(r"([\d.]+) s  report-1 retries", unheard.output)]
    assert all(later - at > 3.5 for at, later in itertools.pairwise(times))
    assert unheard.process.poll() is None  # it waits still
    unheard.process.kill()


def test_a_service_that_refuses_ends_the_story_at_once(theatre: dict[str, Performance]) -> None:
    refused = theatre["refused"]

    assert refused.wait() == 1, refused.output
    refused.wait_for("The demonstration has failed. report-1 has ended. Failed: ")
    refused.wait_for("refused with 401: Who are you?")
    assert "Waited" not in refused.said


def test_a_worker_that_was_not_killed_fails_the_story(theatre: dict[str, Performance]) -> None:
    spared = theatre["spared"]

    assert spared.wait() == 1, spared.output
    spared.wait_for("The demonstration has failed. Worker A was done with the PDF, or had ended")
    assert "is dead" not in spared.said
    spared.wait_for_silence()


def test_once_shows_what_every_run_waits_for(theatre: dict[str, Performance]) -> None:
    once = theatre["once"]
    once.wait()

    once.wait_for("order-1042 Code changed ND01: turn 1 records approval packed")
    once.wait_for("transcript-1 No worker Queue 'gpu' has no worker")
    once.wait_for("report-1 Needs a person “Send 6 pages to office@nordlicht.example")
    once.wait_for("prices-1 Retrying fetch_prices failed")
    once.wait_for("reminder-1 Sleeping")


def test_once_fails_and_says_so_when_the_world_was_touched_twice(
    theatre: dict[str, Performance],
) -> None:
    doubled = theatre["doubled"]

    assert doubled.wait() == 1, doubled.output
    doubled.wait_for(r"WRONG mails: 2 \(expected 1\)")
    doubled.wait_for("Wrong: 2 mails, not 1.")
    assert "nothing was done twice" not in doubled.said


def test_a_person_approves_on_the_dashboard_and_sigterm_ends_everything(
    theatre: dict[str, Performance],
) -> None:
    served = theatre["served"]
    url = served.wait_for(r"Dashboard (http://127\.0\.0\.1:\d+)")[1]
    served.wait_for(f"This run {url}/runs/report-1")
    assert families_on(url) == {"person": 1, "retrying": 1, "stuck": 2, "waiting": 1}

    approve_on(url)
    served.wait_for("report-1 has ended: 6 pages are on their way")
    served.wait_for("mails 1, CRM rows 1, PDFs 1, paid calls 1")
    assert run_on(url, "report-1")["verdict"]["code"] == "closed.completed"

    assert len(served.find_processes()) == 4  # worker, web, mail and dashboard
    served.process.send_signal(signal.SIGTERM)
    assert served.wait() == 0, served.output
    served.wait_for_silence()


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


def run_on(url: str, run_id: str) -> dict[str, Any]:
    runs: list[dict[str, Any]] = read(f"{url}/runs?format=json")["runs"]
    return next(run for run in runs if run["id"] == run_id)


def families_on(url: str) -> dict[str, int]:
    """Count the runs by health family, as the dashboard shows them."""
    found = [run["verdict"]["family"] for run in read(f"{url}/runs?format=json")["runs"]]
    # An attempt of the price list may be running just now; that is the same run at work.
    found = ["retrying" if family == "working" else family for family in found]
    return {family: found.count(family) for family in sorted(set(found))}


def approve_on(url: str) -> None:
    """Find the form on the run's page, and send it as a browser does."""
    with urllib.request.urlopen(f"{url}/runs/report-1", timeout=10) as response:
        page = response.read().decode()
    place = re.search(r'"(/runs/report-1/approvals/\d+)"', page)
    assert place, page
    form = {"answer.approved": "true", "answer.comment": "Well done.", "by": "a tester"}
    request = urllib.request.Request(
        url + place[1], data=urllib.parse.urlencode(form).encode(), headers={"Origin": url}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.url == f"{url}/runs/report-1"


# the kill and its proof


def test_a_member_is_killed_by_a_signal_that_it_cannot_ignore(tmp_path: Path) -> None:
    program = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    crew = Crew(code=tmp_path, logs=tmp_path, environ={})
    member = Member(name="worker A", process=process, log=tmp_path / "log")
    crew._members.append(member)
    with process:
        assert process.stdout
        process.stdout.readline()
        ended = crew.kill(member)

        assert process.returncode == ended == -signal.SIGKILL


@pytest.mark.parametrize(
    ("is_finished", "ended"), [(True, -signal.SIGKILL), (False, 0), (False, -signal.SIGTERM)]
)
async def test_a_kill_that_was_not_in_the_middle_ends_the_story(
    monkeypatch: pytest.MonkeyPatch, *, is_finished: bool, ended: int
) -> None:
    async def follow(*_: object, **__: object) -> story.Progress:
        return story.Progress(page=story.LAST_PAGE, is_finished=is_finished)

    monkeypatch.setattr(story, "_follow_pdf", follow)
    stage = SimpleNamespace(crew=SimpleNamespace(kill=lambda _: ended))
    with pytest.raises(StoryError, match=r"^Worker A was done with the PDF, or had ended"):
        await story.kill_in_the_middle(cast("Stage", stage), cast("Member", None))


def attempt_of(number: int, error_type: str | None, message: str | None) -> AttemptSummary:
    return AttemptSummary(
        seq=6, name="render_pdf", queue="default", state="completed", site="flow.py:30",
        attempt=number, scheduled_at=0, started_at=1, closed_at=2, lease_owner=None,
        error_type=error_type, error_message=message,
    )  # fmt: skip


@pytest.mark.parametrize(
    "recorded",
    [
        None,
        attempt_of(1, None, None),
        attempt_of(2, None, None),
        attempt_of(2, "OSError", "worker vm-41-aaaaaa: no space left"),
        attempt_of(2, "WorkerLost", "worker vm-42-aaaaaa stopped during the attempt"),
        attempt_of(3, "WorkerLost", "worker vm-41-aaaaaa stopped during the attempt"),
    ],
)
async def test_a_history_without_the_lost_attempt_of_worker_a_ends_the_story(
    recorded: AttemptSummary | None,
) -> None:
    with pytest.raises(StoryError, match=r"^Attempt 1 of the PDF should have been lost"):
        await prove(recorded)


async def test_the_lost_attempt_of_worker_a_is_the_proof() -> None:
    lost = "worker vm-41-aaaaaa stopped during the attempt"

    assert await prove(attempt_of(2, "WorkerLost", lost)) == lost


async def prove(recorded: AttemptSummary | None) -> str:
    async def find(_: str) -> AttemptSummary | None:
        return recorded

    stage, first = SimpleNamespace(find_activity=find), SimpleNamespace(pid=41)
    return await story._prove_takeover(cast("Stage", stage), cast("Member", first))


# the verdict


def ledger_of(*, mails: int = 1, rows: int = 1, pdfs: int = 1, paid: int = 1) -> Ledger:
    counts = {"smtp": mails, "crm": rows, "llm": paid}
    entries = [
        Entry(service=service, operation="x", effect=True, cost=Decimal(0))
        for service, count in counts.items()
        for _ in range(count)
    ]
    repeat = Entry(service="llm", operation="x", key="1")
    return Ledger(entries=(*entries, repeat), pdfs=pdfs)


def test_one_of_each_is_right() -> None:
    assert all(count.is_right for count in count_effects(ledger_of()))


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize(
    ("part", "what"),
    [("mails", "mails"), ("rows", "CRM rows"), ("pdfs", "PDFs"), ("paid", "paid LLM calls")],
)
def test_any_other_count_is_wrong(part: str, what: str, number: int) -> None:
    counts = count_effects(ledger_of(**{part: number}))

    wrong = [str(count) for count in counts if not count.is_right]
    assert wrong == [f"WRONG  {what}: {number} (expected 1)"]


def test_a_rejected_report_must_not_be_sent() -> None:
    nothing_sent = count_effects(ledger_of(mails=0, rows=0), approved=False)
    sent = count_effects(ledger_of(), approved=False)

    assert all(count.is_right for count in nothing_sent)
    assert [count.what for count in sent if not count.is_right] == ["mails", "CRM rows"]


def test_real_services_keep_their_own_books() -> None:
    counts = count_effects(ledger_of(paid=0, mails=0), real=["OPENAI_BASE_URL", "SMTP_HOST"])

    assert [(count.what, count.is_right) for count in counts] == [
        ("PDFs", True),
        ("CRM rows", True),
    ]


# the settings


def compose(**environ: str) -> dict[str, str]:
    return compose_environment(Path("world"), page_delay=timedelta(0), environ=environ)


def test_a_key_without_an_address_is_not_for_the_stand_in() -> None:
    environ = compose(OPENAI_API_KEY="secret", SMTP_PASSWORD="secret")

    assert "secret" not in environ.values()


def test_a_real_service_is_not_given_what_the_stand_in_uses() -> None:
    environ = compose(OPENAI_BASE_URL="https://llm.example/v1", SMTP_HOST="mail.example")

    assert environ["OPENAI_MODEL"] == "gpt-4o-mini"
    assert environ["SMTP_PORT"] == "25"


def test_the_stand_ins_are_reached_without_a_proxy() -> None:
    environ = compose(HTTP_PROXY="http://proxy.example", NO_PROXY="intern.example")

    assert environ["NO_PROXY"] == "127.0.0.1,intern.example,localhost"


def test_the_audience_hears_which_services_are_real() -> None:
    told = describe_services({"CRM_URL": "https://crm.example"})

    assert told.startswith("the real CRM at https://crm.example; stand-ins for the language model")
    assert "news and mail server, as local processes" in told


# what can go wrong before it begins


def test_a_folder_with_an_earlier_demonstration_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holdfast.db").touch()
    result = CliRunner().invoke(demo, ["--once", "--dir", str(tmp_path)])

    assert result.exit_code == 1
    assert "holds an earlier demonstration. Give --dir another folder." in said(result.output)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(demo, ["--once", "--dir", str(tmp_path / "file" / "demo")])

    assert result.exit_code == 1
    assert "cannot be used: Not a directory." in said(result.output)


def said(output: str) -> str:
    return " ".join(output.split())


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "abc"},
            "SMTP_PORT must be a number from 1 to 65535, not 'abc'.",
        ),
        (
            {"OPENAI_BASE_URL": "notaurl", "OPENAI_API_KEY": "secret"},
            "OPENAI_BASE_URL must be an address such as https://service.example/v1, not 'notaurl'.",
        ),
    ],
)
def test_wrong_settings_are_answered_before_anything_is_started(
    tmp_path: Path, environ: dict[str, str], expected: str
) -> None:
    folder = tmp_path / "demo"
    answered = subprocess.run(
        [HOLDFAST, "demo", "--once", "--email", "a@b.example", "--dir", str(folder)],
        env=without_services() | environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert answered.returncode == 2
    assert answered.stderr == f"holdfast: {expected}\n"
    assert not folder.exists()


def test_a_setting_of_a_service_that_stays_a_stand_in_does_not_matter() -> None:
    check_settings(compose(SMTP_PORT="abc", CRM_URL="", RESEARCH_AGENT_WORLD="/nowhere"))


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        result = CliRunner().invoke(demo, ["--port", port, "--dir", str(tmp_path)])

    assert isinstance(result.exception, UsageError)
    assert result.exception.message.startswith(f"Port {port} is in use.")


def test_a_real_mail_server_needs_an_address_to_write_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_HOST", "mail.example")
    result = CliRunner().invoke(demo, ["--once"])

    assert isinstance(result.exception, UsageError)
    assert "say with --email who may get the report" in result.exception.message


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    result = CliRunner().invoke(demo, ["--once"])

    assert isinstance(result.exception, UsageError)
    assert result.exception.message.endswith("needs fpdf. Run: pip install 'holdfast[all]'")
