"""The story, act by act: an agent is killed in the middle of its work, and nothing happens twice."""

import re
import shutil
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from holdfast.client import RunSummary
from holdfast.errors import RunError
from holdfast.health import Family
from research_agent.activities import render_pdf
from research_agent.flow import research
from research_agent.model import Decision, Report, Request
from research_agent.neighbours import remind, sync_prices, transcribe_call
from research_agent.stage.crew import Member
from research_agent.stage.errors import StoryError
from research_agent.stage.services import describe_services
from research_agent.stage.stage import LEASE, MODULES, REPORT, Stage, near
from research_agent.stage.verdict import count_effects

QUESTION = "How do I wait for several calls at once with asyncio?"
CUSTOMER = "Nordlicht GmbH"
ORDER = "order-1042"
LAST_PAGE = 3  # of six: the worker is killed after it
EXPECTED = {
    REPORT: "human.waiting",
    "reminder-1": "wait.timer",
    "prices-1": "retry.activity",
    "transcript-1": "stuck.no_worker",
    ORDER: "stuck.nondeterminism",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the PDF is."""

    page: int = 0
    is_finished: bool = False


async def set_up(stage: Stage) -> Member:
    """Start the outside world and worker A."""
    stage.narrator.tell(f"Working folder: {near(stage.folder)}")
    stage.narrator.tell(f"Using {describe_services(stage.real)}. Starting worker A:")
    stage.narrator.add(f"$ holdfast worker {' '.join(MODULES)} --lease {LEASE.seconds}")
    deploy(stage, "shipping_before.py")
    first = stage.start_worker("worker A")
    try:
        stage.world.start()
    except RuntimeError as error:
        raise StoryError(str(error)) from None
    await stage.until_ready(first)
    stage.narrator.tell(f"Worker A is ready: process {first.pid}.")
    return first


def deploy(stage: Stage, version: str) -> None:
    """Put a version of the shipping module where workers import it."""
    shutil.copyfile(Path(__file__).with_name(version), stage.code / "shipping.py")


async def ask(stage: Stage) -> None:
    """Start the run that the story is about, and four others beside it."""
    request = Request(question=QUESTION, customer=CUSTOMER, email=stage.email)
    flaky = f"{stage.world.settings['FLAKY_URL']}/prices"
    sys.path.append(str(stage.code))
    await stage.client.start(research, request, id=REPORT)
    await stage.client.start(transcribe_call, "call-7.ogg", id="transcript-1")
    await stage.client.start("shipping:ship_order", ORDER, id=ORDER)
    await stage.client.start(sync_prices, flaky, id="prices-1")
    await stage.client.start(remind, CUSTOMER, id="reminder-1")
    stage.narrator.tell(f"{CUSTOMER} asks: “{QUESTION}”", loud=True)
    stage.narrator.add(
        f"Run {REPORT} searches the documentation, asks three services about the customer, pays a "
        "language model for an answer, renders a PDF, asks a person for approval, and then sends "
        "the mail and a note to the CRM. Four other runs start beside it."
    )
    # It is to meet changed code later, so the code of today must have begun it.
    await stage.until("the order to ask the warehouse", lambda: _is_asked(stage))


async def _is_asked(stage: Stage) -> bool:
    return bool(await stage.client.approvals(run_id=ORDER))


async def kill_in_the_middle(stage: Stage, first: Member) -> None:
    """Let the PDF get half way, and kill the worker that renders it."""
    progress = await _follow_pdf(stage, first, last=LAST_PAGE)
    ended = stage.crew.kill(first)
    if progress.is_finished or ended != -signal.SIGKILL:
        raise StoryError("Worker A was done with the PDF, or had ended, before it could be killed.")
    stage.narrator.tell(
        f"kill -9 {first.pid}: worker A is dead, in the middle of the PDF.", loud=True
    )


async def take_over(stage: Stage, first: Member) -> Member:
    """Start another worker, with one module changed, and let it finish the PDF."""
    deploy(stage, "shipping_after.py")
    second = stage.start_worker("worker B")
    stage.narrator.tell("Starting worker B. Meanwhile somebody has deployed a new shipping.py.")
    await stage.until("worker B to take over the PDF", lambda: _is_taken(stage, second))
    stage.narrator.tell(f"Worker B, process {second.pid}, has taken over.", loud=True)
    stage.narrator.add(
        "The search, the three answers about the customer and the paid answer are in the history: "
        "nothing of that is done again. Only the PDF is begun again, as attempt 2."
    )
    await _follow_pdf(stage, second)
    lost = await _prove_takeover(stage, first)
    stage.narrator.tell(f"Attempt 2 has finished the PDF. Of attempt 1 is recorded: {lost}.")
    return second


async def _is_taken(stage: Stage, second: Member) -> bool:
    rendering = await stage.find_activity(render_pdf.name)
    owner = rendering.lease_owner if rendering else None
    return owner is not None and f"-{second.pid}-" in owner


async def _follow_pdf(stage: Stage, member: Member, *, last: int = sys.maxsize) -> Progress:
    progress = Progress()
    while progress.page < last and not progress.is_finished:
        what = f"{member.name} to go on with the PDF after page {progress.page}"
        progress = await stage.until(what, partial(_find_progress, stage, after=progress.page))
        if not progress.is_finished:
            stage.narrator.tell(f"{member} has rendered page {progress.page}.")
    return progress


async def _find_progress(stage: Stage, *, after: int) -> Progress | None:
    detail = await stage.client.describe(REPORT)
    states = {found.name: found.state for found in detail.activities}
    beats = {found.name: str(found.beat) for found in detail.evidence.activities}
    page = re.fullmatch(r"page (\d+)", beats.get(render_pdf.name, ""))
    progress = Progress(
        page=int(page[1]) if page else 0, is_finished=states.get(render_pdf.name) == "completed"
    )
    return progress if progress.is_finished or progress.page > after else None


async def _prove_takeover(stage: Stage, first: Member) -> str:
    rendering = await stage.find_activity(render_pdf.name)
    attempt = rendering.attempt if rendering else 0
    lost = rendering.error_message if rendering and rendering.error_type == "WorkerLost" else None
    if attempt != 2 or f"-{first.pid}-" not in (lost or ""):  # noqa: PLR2004 (one lost, one done)
        raise StoryError(
            "Attempt 1 of the PDF should have been lost with worker A, and attempt 2 should have "
            f"finished it; recorded is {rendering}."
        )
    return lost or ""


async def meet_the_others(stage: Stage) -> None:
    """Wake the order that meets changed code, and wait until every run shows its true state."""
    await stage.client.decide(ORDER, "packed", answer=True, by="warehouse")
    await stage.until(
        "the five runs to be asleep, retrying, stuck and waiting for a person",
        lambda: _are_settled(stage),
    )
    runs = await stage.client.list(open_only=True)
    stage.narrator.tell("This is what the five runs wait for:")
    for run in sorted(runs, key=_by_badness):
        stage.narrator.list(run.id, run.verdict.label, run.verdict.why)
    stage.narrator.tell(
        f"{REPORT} waits for a person, for days if need be, and no worker holds it meanwhile. It "
        "is not stuck, and two others are: each verdict is proved from rows of the database."
    )


async def _are_settled(stage: Stage) -> bool:
    runs = {run.id: run.verdict.code for run in await stage.client.list(open_only=True)}
    return runs == EXPECTED


def _by_badness(run: RunSummary) -> int:
    return list(Family).index(run.verdict.family)


async def approve(stage: Stage) -> None:
    """Approve the report in the name of the demonstration."""
    answer = Decision(approved=True, comment="Approved by the demonstration itself.")
    await stage.client.decide(REPORT, "send-report", answer, by="demo")
    stage.narrator.tell("The report is approved, by “demo”.", loud=True)


async def conclude(stage: Stage) -> bool:
    """Wait for the end of the run, count what it did to the outside world, and tell."""
    await stage.until("the run to end", lambda: _has_ended(stage))
    try:
        report = await stage.client.get(REPORT, research).result()
    except RunError as error:
        stage.narrator.tell(error.message, loud=True)
        return False
    stage.narrator.tell(_describe_end(report), loud=True)
    stage.narrator.tell("This is what the outside services have in their own books:")
    ledger = stage.world.ledger
    counts = count_effects(ledger, approved=report.decision.approved, real=stage.real)
    stage.narrator.show(ledger.table() + "\n\n" + "\n".join(map(str, counts)))
    stage.narrator.add("“flaky” is the price list of prices-1, which always refuses.")
    if stage.real:
        stage.narrator.add("Real services are not counted: they keep their own books.")
    wrong = [count for count in counts if not count.is_right]
    for count in wrong:
        stage.narrator.tell(f"Wrong: {count.counted} {count.what}, not {count.expected}.")
    if not wrong:
        stage.narrator.tell("Killed in the middle, and nothing was done twice or left out.")
    return not wrong


async def _has_ended(stage: Stage) -> bool:
    return (await stage.client.describe(REPORT)).summary.closed_at is not None


def _describe_end(report: Report) -> str:
    if not report.decision.approved:
        return f"{REPORT} has ended: not approved, so nothing was sent. The PDF: {report.pdf.path}"
    return f"{REPORT} has ended: {report.pdf.pages} pages are on their way, as {report.message_id}."
