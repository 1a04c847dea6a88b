"""Reading what the pages show, through the client."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from holdfast.client import ApprovalSummary, AttemptSummary, Client, RunDetail, RunSummary
from holdfast.errors import UnknownRunError
from holdfast.evidence import WorkerEvidence
from holdfast.health import CODES, Family, Item, Thresholds, span, worker_state
from holdfast.history import CompleteRun, History, body_of, dump_history
from holdfast.replay import render_report
from holdfast_dashboard.forms import fields_of
from holdfast_dashboard.model import (
    Asked,
    Card,
    Cause,
    CommandLine,
    Fault,
    Filters,
    Inbox,
    OpenRuns,
    Overview,
    Pending,
    Question,
    QueueLine,
    Relative,
    RunLine,
    RunPage,
    Runs,
    TurnLine,
    Unknown,
    UnknownPage,
    Verdict,
    WorkerLine,
    Workers,
    activity_url,
    approval_url,
    run_url,
)
from holdfast_dashboard.words import command_words, event_words, names_in

OPEN = 100_000  # open runs that an overview looks at
PAGE = 50
TURNS = 200  # turns that a run's page shows unless it is asked for all
_SHOWN = 8
_RECENT = 50
_ATTENTION = "attention"
_WANT_A_WORKER = {
    "stuck.no_worker",
    "stuck.unknown_activity",
    "stuck.unknown_workflow",
    "stuck.lease_lost",
    "stuck.loop_blocked",
    "stuck.timer_overdue",
}


class Reader:
    """Read what pages show. Open runs are read once per second at most, unless something was committed."""

    def __init__(self, client: Client, changes: Callable[[], int | None]) -> None:
        self.client = client
        self._changes = changes
        self._known: tuple[tuple[int, int], OpenRuns] | None = None
        self._reading = asyncio.Lock()

    async def open_runs(self) -> OpenRuns:
        """Return all open runs and the workers."""
        async with self._reading:
            changes = self._changes()
            now, workers = await self.client.workers()
            if changes is None:
                return await self._read_open_runs(now, workers)
            key = (changes, now // 1000)
            if self._known is None or self._known[0] != key:
                self._known = (key, await self._read_open_runs(now, workers))
            return self._known[1]

    async def _read_open_runs(self, now: int, workers: Sequence[WorkerEvidence]) -> OpenRuns:
        runs = await self.client.list(open_only=True, limit=OPEN)
        return OpenRuns(now=now, runs=tuple(runs), workers=tuple(workers))

    async def overview(self) -> Overview:
        """Return what waits for a person, what is broken, and what has ended."""
        open_runs = await self.open_runs()
        questions = await self._questions(open_runs)
        ended = await self.client.list(health=Family.CLOSED.value, limit=_RECENT)
        ended.sort(key=lambda run: run.closed_at or 0, reverse=True)
        states = [worker_state(worker, open_runs.now) for worker in open_runs.workers]
        return Overview(
            now=open_runs.now,
            cards=tuple(
                _card(family, open_runs) for family in Family if family is not Family.CLOSED
            ),
            causes=_causes(open_runs.of(Family.STUCK)),
            questions=questions[:_SHOWN],
            questions_left=max(0, len(questions) - _SHOWN),
            closed=tuple(line_of(run) for run in ended[:_SHOWN]),
            workers_live=states.count("live") + states.count("blocked"),
            workers_lost=states.count("lost"),
        )

    async def runs(self, filters: Filters) -> Runs:
        """Return one page of runs, the newest first."""
        open_runs = await self.open_runs()
        found = await self.client.list(
            health=filters.health or (Family.CLOSED.value if filters.state == "closed" else None),
            workflow=filters.workflow or None,
            prefix=filters.prefix,
            open_only=filters.state == "open",
            before=filters.before,
            limit=PAGE + 1,
        )
        more = found[PAGE - 1] if len(found) > PAGE else None
        known = {run.workflow for run in (*open_runs.runs, *found)}
        return Runs(
            now=open_runs.now,
            filters=filters,
            runs=tuple(line_of(run) for run in found[:PAGE]),
            next_url=filters.url(before=(more.created_at, more.id)) if more else None,
            counts=counts_of(open_runs),
            workflows=tuple(
                sorted(known.union(*(worker.workflows for worker in open_runs.workers)))
            ),
        )

    async def run(self, run_id: str, *, full: bool = False, all_turns: bool = False) -> RunPage:
        """Return everything about a run, or raise `UnknownRunError`."""
        detail = await self.client.describe(run_id)
        skipped = 0 if all_turns else max(0, len(detail.history.turns) - TURNS)
        return run_page(detail, skipped=skipped, full=full)

    async def inbox(self) -> Inbox:
        """Return the open approvals, the most urgent first."""
        open_runs = await self.open_runs()
        return Inbox(now=open_runs.now, questions=await self._questions(open_runs))

    async def workers(self) -> Workers:
        """Return the workers and the queues."""
        open_runs = await self.open_runs()
        lines = tuple(_worker_line(worker, open_runs.now) for worker in open_runs.workers)
        unserved = [run for run in open_runs.runs if run.verdict.code in _WANT_A_WORKER]
        return Workers(
            now=open_runs.now,
            workers=lines,
            queues=_queues(open_runs, lines),
            causes=_causes(unserved),
        )

    async def asked(self, run_id: str, seq: int) -> Asked:
        """Return one approval of a run, or raise `UnknownRunError`."""
        detail = await self.client.describe(run_id)
        found = next((a for a in detail.approvals if a.seq == seq), None)
        if found is None:
            raise UnknownRunError(f"Run {run_id} has no approval #{seq}.")
        items = {item.seq: item for item in detail.summary.verdict.items}
        return Asked(now=detail.now, approval=found, question=_question(found, items.get(seq)))

    async def unknown(self, run_id: str, seq: int) -> UnknownPage:
        """Return an activity of a run that a person may resolve or has resolved, or raise `UnknownRunError`."""
        detail = await self.client.describe(run_id)
        found = next((a for a in detail.activities if a.seq == seq), None)
        if found is None or not (found.state == _ATTENTION or found.resolved_by):
            raise UnknownRunError(f"Run {run_id} has no activity #{seq} whose outcome is unknown.")
        return UnknownPage(now=detail.now, unknown=_unknown(detail, found))

    async def history_file(self, run_id: str) -> str:
        """Return the text of a run's history file, or raise `UnknownRunError`."""
        return dump_history(await self.client.history(run_id))

    async def _questions(self, open_runs: OpenRuns) -> tuple[Question, ...]:
        approvals = await self.client.approvals()
        judged = {(run.id, item.seq): item for run in open_runs.runs for item in run.verdict.items}
        return tuple(
            _question(approval, judged.get((approval.run_id, approval.seq)))
            for approval in approvals
        )


def _unknown(detail: RunDetail, row: AttemptSummary) -> Unknown:
    items = {item.seq: item for item in detail.summary.verdict.items}
    item = items.get(row.seq)
    resolved = f"{row.resolution} by {row.resolved_by}" if row.resolved_by else ""
    return Unknown(
        run=detail.summary.id,
        run_url=run_url(detail.summary.id),
        url=activity_url(detail.summary.id, row.seq),
        workflow=detail.summary.workflow,
        seq=row.seq,
        name=row.name,
        state=row.state,
        why=item.why if item is not None else "",
        since=item.since if item is not None else row.scheduled_at,
        resolution=resolved,
    )


def counts_of(open_runs: OpenRuns) -> dict[Family, int]:
    """Return how many open runs there are in each family."""
    return {family: len(open_runs.of(family)) for family in Family if family is not Family.CLOSED}


def line_of(run: RunSummary) -> RunLine:
    """Return a run as a row of a table."""
    return RunLine(
        id=run.id,
        url=run_url(run.id),
        workflow=run.workflow,
        queue=run.queue,
        status=run.status,
        created_at=run.created_at,
        closed_at=run.closed_at,
        verdict=_verdict(run.verdict.worst, why=run.verdict.why),
    )


def run_page(detail: RunDetail, *, skipped: int, full: bool) -> RunPage:
    """Return the page of a run from everything that is known about it."""
    evidence, history, verdict = detail.evidence, detail.history, detail.summary.verdict
    items = {item.seq: item for item in verdict.items}
    return RunPage(
        now=detail.now,
        run=line_of(detail.summary),
        code=evidence.code,
        task=evidence.task_state,
        actions=verdict.worst.actions,
        pending=tuple(_pending(item) for item in verdict.items),
        questions=tuple(
            _question(a, items.get(a.seq)) for a in detail.approvals if a.state == "open"
        ),
        unknown=tuple(_unknown(detail, a) for a in detail.activities if a.state == _ATTENTION),
        fault=_fault(detail),
        failure=evidence.closing if evidence.status == "failed" else None,
        arguments=getattr(history.turns[0].event, "args", []) if history.turns else [],
        result=evidence.closing if evidence.status == "completed" else None,
        has_result=_has_result(history),
        turns=_turns(history),
        skipped=skipped,
        full=full,
        activities=detail.activities,
        decided=tuple(a for a in detail.approvals if a.state != "open"),
        drifts=detail.drifts,
        patches=detail.patches,
        relatives=_relatives(detail),
        attributes=dict(detail.attributes),
        published=dict(detail.published),
        history_url=f"{run_url(detail.summary.id)}/history.hist.jsonl",
    )


def _relatives(detail: RunDetail) -> tuple[Relative, ...]:
    found = (
        ("Started by", detail.parent),
        ("Continues", detail.previous),
        ("Continued as", detail.continued_to),
        *(("Child", child) for child in detail.children),
    )
    return tuple(Relative(role=role, id=run, url=run_url(run)) for role, run in found if run)


def _has_result(history: History) -> bool:
    last = history.committed[-1].commands if history.committed else None
    return any(isinstance(command, CompleteRun) for command in last or ())


def _verdict(item: Item, *, why: str | None = None) -> Verdict:
    return Verdict(
        family=item.family,
        code=item.code,
        label=item.label,
        why=item.why if why is None else why,
        since=item.since,
        next=item.next,
        next_at=item.next_at,
    )


def _pending(item: Item) -> Pending:
    return Pending(
        seq=item.seq,
        verdict=_verdict(item),
        site=item.site,
        actions=item.actions,
        evidence=item.evidence,
    )


def _question(approval: ApprovalSummary, item: Item | None) -> Question:
    return Question(
        run=approval.run_id,
        run_url=run_url(approval.run_id),
        url=approval_url(approval.run_id, approval.seq),
        workflow=approval.workflow,
        seq=approval.seq,
        name=approval.name,
        ask=approval.ask,
        to=approval.to,
        opened_at=approval.opened_at,
        due_at=approval.due_at,
        verdict=None if item is None else _verdict(item),
        fields=fields_of(approval.schema),
        shows=approval.shows,
        digest=approval.digest,
        quorum=approval.quorum,
        votes=approval.votes,
        reminders=approval.reminders,
        reminded_at=approval.reminded_at,
        escalated_at=approval.escalated_at,
        delivered_at=approval.delivered_at,
        note=approval.note,
    )


def _card(family: Family, open_runs: OpenRuns) -> Card:
    runs = open_runs.of(family)
    return Card(
        family=family,
        count=len(runs),
        oldest=min((run.verdict.worst.since for run in runs), default=None),
        overdue=sum(run.verdict.code == "human.overdue" for run in runs),
        url="/inbox" if family is Family.PERSON else Filters(health=family.value).url(),
    )


def _causes(stuck: Iterable[RunSummary]) -> tuple[Cause, ...]:
    groups: dict[tuple[str, str], list[RunSummary]] = {}
    for run in stuck:
        groups.setdefault((run.verdict.code, run.workflow), []).append(run)
    causes = [_cause(runs) for runs in groups.values()]
    return tuple(sorted(causes, key=lambda cause: (-CODES[cause.code].rank, cause.since)))


def _cause(runs: Sequence[RunSummary]) -> Cause:
    oldest = min(runs, key=lambda run: run.verdict.worst.since)
    verdict = oldest.verdict
    alone = len(runs) == 1
    return Cause(
        code=verdict.code,
        label=verdict.label,
        workflow=oldest.workflow,
        why=verdict.why,
        since=verdict.worst.since,
        count=len(runs),
        url=run_url(oldest.id)
        if alone
        else Filters(health=verdict.code, workflow=oldest.workflow).url(),
    )


def _worker_line(worker: WorkerEvidence, now: int) -> WorkerLine:
    return WorkerLine(
        id=worker.id,
        state=worker_state(worker, now),
        host=worker.host,
        pid=worker.pid,
        queues=worker.queues,
        workflows=tuple(sorted(worker.workflows)),
        activities=tuple(sorted(worker.activities)),
        slots=worker.slots,
        busy=worker.busy,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        stack=worker.stack,
        version=" · ".join(part for part in (worker.build, _release(worker)) if part),
        patches=tuple(sorted({patch for ids in worker.patches.values() for patch in ids})),
    )


def _release(worker: WorkerEvidence) -> str:
    return f"holdfast {worker.holdfast} on Python {worker.python}" if worker.holdfast else ""


def _queues(open_runs: OpenRuns, lines: Sequence[WorkerLine]) -> tuple[QueueLine, ...]:
    serving = {"live", "blocked"}
    names = {run.queue for run in open_runs.runs} | {
        name for line in lines if line.state in serving for name in line.queues
    }
    return tuple(
        QueueLine(
            name=name,
            live=sum(name in line.queues and line.state in serving for line in lines),
            open_runs=sum(run.queue == name for run in open_runs.runs),
            stuck=sum(
                run.queue == name and run.verdict.family is Family.STUCK for run in open_runs.runs
            ),
        )
        for name in sorted(names)
    )


def _fault(detail: RunDetail) -> Fault | None:
    error = detail.evidence.error
    if detail.evidence.closed_at is not None or not isinstance(error, dict):
        return None
    if {"expected", "got", "around"} <= error.keys():
        text = render_report(error)
    else:
        text = str(
            error.get("traceback") or f"{error.get('type')}: {error.get('message')}"
        ).rstrip()
    return Fault(text=text, others=max(0, detail.same_place - 1))


def _turns(history: History) -> tuple[TurnLine, ...]:
    names = names_in(history.turns)
    return tuple(
        TurnLine(
            turn=turn.event.turn,
            at=turn.event.at,
            words=event_words(turn.event, names),
            commands=None
            if turn.commands is None
            else tuple(
                CommandLine(seq=command.seq, words=command_words(command, names), site=command.site)
                for command in turn.commands
            ),
            record={
                "event": {"kind": turn.event.kind, **body_of(turn.event)},
                "commands": None
                if turn.commands is None
                else [
                    {"seq": c.seq, "kind": c.kind, **body_of(c), "site": c.site}
                    for c in turn.commands
                ],
            },
        )
        for turn in history.turns
    )


def thresholds() -> tuple[tuple[str, str, str], ...]:
    """Return the limits of health as name, value and meaning."""
    limits = Thresholds()
    return (
        ("grace", span(limits.grace), "how late something may be before nobody seems to do it"),
        ("worker_dead", span(limits.worker_dead), "a worker not seen for so long is lost"),
        ("loop_stale", span(limits.loop_stale), "an event loop not seen for so long is blocked"),
        ("late", span(limits.late), "work that is ready for so long is a backlog"),
        (
            "poison_epochs",
            str(limits.poison_epochs),
            "claims without a result before a run is set apart",
        ),
        (
            "same_error",
            str(limits.same_error),
            "times the same error before a retry is called useless,",
        ),
        ("same_error_for", span(limits.same_error_for), "and for how long at least"),
        ("due_soon", f"{limits.due_soon:.0%}", "the last part of an approval's time"),
    )
