"""`holdfast demo`, performed by real processes and watched from outside."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from holdfast.errors import UsageError
from research_agent.demo import demo
from research_agent.stage.services import NAMES, compose_environment, describe_services
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
    (folder / "sitecustomize.py").write_text(DOUBLED)
    examples = str(Path(__file__).parents[2] / "examples")
    doubled = os.pathsep.join([str(folder), examples])
    stage = Theatre(folder)
    try:
        yield {
            "once": stage.perform("once", "--once"),
            "doubled": stage.perform("doubled", "--once", PYTHONPATH=doubled),
            "served": stage.perform("served"),
            "killed": stage.perform("killed"),
        }
    finally:
        stage.close()


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
