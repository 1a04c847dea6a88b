"""Waiting for a person, sleeping, retrying and stuck are told apart by rows; age alone never means stuck."""

from dataclasses import replace

import pytest

from holdfast.evidence import (
    ActivityEvidence,
    ApprovalEvidence,
    Hold,
    RunEvidence,
    WaitEvidence,
    WorkerEvidence,
)
from holdfast.health import CODES, Family, Thresholds, health, span

NOW = 10_000_000_000
DAY = 86_400_000
RUN = RunEvidence(
    id="r", workflow="flow", queue="default", status="open", code="c0de", created_at=NOW - 5000,
    start_at=NOW - 5000, closed_at=None, progress_at=NOW - 4000, done_turn=1, inbound_count=1, task_state="idle",
    task_visible_at=NOW - 4000, lease_owner=None, lease_until=None, lease_epoch=1, progress_epoch=1, error_kind=None,
    error=None, error_code=None, error_at=None, failures=0,
)  # fmt: skip
WORKER = WorkerEvidence(
    id="w1", host="h", pid=1, queues=("default",), workflows={"flow": "c0de"}, activities=frozenset({"charge"}), slots=4,
    busy=1, started_at=0, seen_at=NOW - 1000, loop_seen_at=NOW - 1000,
)  # fmt: skip
ACTIVITY = ActivityEvidence(
    seq=1, name="charge", queue="default", state="ready", site="flow.py:3 in flow", attempt=0, max_attempts=None,
    scheduled_at=NOW - 4000, visible_at=NOW - 4000, started_at=None, lease_owner=None, lease_until=None, beat_at=None,
    beat=None, error_type=None, error_message=None, error_at=None, same_error=0, same_error_since=None,
)  # fmt: skip
LEASED = replace(
    ACTIVITY,
    state="leased",
    attempt=1,
    lease_owner="w1",
    lease_until=NOW + 5000,
    started_at=NOW - 2000,
)
FAILED = replace(
    ACTIVITY, state="backoff", attempt=3, visible_at=NOW + 42_000, error_type="HTTPError", error_message="503",
    error_at=NOW - 1000, same_error=3, same_error_since=NOW - 9000,
)  # fmt: skip
TIMER = WaitEvidence(
    seq=2, kind="timer", name="", opened_at=NOW - 4000, fire_at=NOW + DAY, site="flow.py:4 in flow"
)
CONDITION = replace(TIMER, seq=0, kind="condition", fire_at=None)
SIGNAL = replace(CONDITION, seq=-1, kind="signal", name="paid")
UPDATE = replace(CONDITION, seq=-2, kind="update", name="move")
CHILD = replace(CONDITION, seq=-3, kind="child", name="c")
APPROVAL = ApprovalEvidence(
    seq=3, name="refund", ask="Refund 640 EUR?", to=("ops",), opened_at=NOW - DAY, due_at=NOW + 2 * DAY,
    delivered_at=NOW - DAY, site="flow.py:5 in flow",
)  # fmt: skip
DEAD = replace(WORKER, seen_at=NOW - 60_000)
BLOCKED = replace(
    RUN,
    task_state="blocked",
    error={"code": "ND01", "expected": [], "got": [], "turn": 2},
    error_at=NOW,
)
READY = replace(RUN, task_state="ready", task_visible_at=NOW - 2000)

CASES: dict[str, tuple[RunEvidence, list[WorkerEvidence]]] = {
    "work.activity": (replace(RUN, activities=(LEASED,)), [WORKER]),
    "work.running": (replace(RUN, task_state="leased", lease_owner="w1", lease_until=NOW + 9), [WORKER]),
    "work.ready": (READY, [WORKER]),
    "wait.delayed_start": (replace(READY, done_turn=0, start_at=NOW + DAY, task_visible_at=NOW + DAY), []),
    "wait.timer": (replace(RUN, waits=(TIMER,)), []),
    "wait.signal": (replace(RUN, waits=(SIGNAL,)), []),
    "wait.update": (replace(RUN, waits=(UPDATE,)), []),
    "wait.child": (
        replace(RUN, waits=(CHILD,), children={"c": replace(RUN, id="c", waits=(TIMER,))}), [],
    ),
    "wait.condition": (replace(RUN, waits=(replace(CONDITION, name="stock is there"), UPDATE)), []),
    "wait.concurrency": (
        replace(READY, hold=Hold(kind="concurrency", limit="queue default", allowed="1", used=1)), [WORKER],
    ),
    "wait.rate_limit": (
        replace(RUN, activities=(replace(ACTIVITY, hold=Hold(kind="rate", limit="crm", allowed="1/s", free_at=NOW + 9)),)),
        [WORKER],
    ),
    "human.queue_paused": (replace(READY, hold=Hold(kind="paused", limit="queue q", since=NOW - DAY, by="ana")), []),
    "stuck.child_missing": (replace(RUN, waits=(CHILD,)), []),
    "retry.activity": (replace(RUN, activities=(FAILED,)), [WORKER]),
    "retry.task": (replace(READY, failures=1, error={"type": "KeyError"}, task_visible_at=NOW + 3000), [WORKER]),
    "late.backlog": (replace(READY, task_visible_at=NOW - DAY), [WORKER]),
    "human.waiting": (replace(RUN, approvals=(APPROVAL,)), []),
    "human.due_soon": (replace(RUN, approvals=(replace(APPROVAL, due_at=NOW + 60_000),)), []),
    "human.overdue": (replace(RUN, approvals=(replace(APPROVAL, due_at=NOW - 60_000),)), []),
    "human.attention": (replace(RUN, activities=(replace(FAILED, state="attention", effect="once"),)), []),
    "human.paused": (replace(RUN, paused_at=NOW - DAY, paused_by="ana", pause_reason="bad data"), []),
    "stuck.unknown_workflow": (replace(READY, workflow="gone", task_visible_at=NOW - DAY), [WORKER]),
    "stuck.unsatisfiable": (replace(RUN, waits=(CONDITION,)), [WORKER]),
    "stuck.ask_undelivered": (
        replace(RUN, approvals=(replace(APPROVAL, delivered_at=None, undelivered="mail failed"),)), [],
    ),
    "stuck.nobody_asked": (replace(RUN, approvals=(replace(APPROVAL, to=()),)), []),
    "stuck.same_error": (replace(RUN, activities=(replace(FAILED, same_error=400, same_error_since=NOW - DAY),)), []),
    "stuck.timer_overdue": (replace(RUN, waits=(replace(TIMER, fire_at=NOW - 60_000),)), []),
    "stuck.unknown_activity": (
        replace(RUN, activities=(replace(ACTIVITY, name="gone", visible_at=NOW - 60_000),)), [WORKER],
    ),
    "stuck.no_worker": (replace(READY, queue="gpu", task_visible_at=NOW - 60_000), [WORKER]),
    "stuck.loop_blocked": (
        replace(RUN, activities=(LEASED,)), [replace(WORKER, loop_seen_at=NOW - 48_000, stack="pdf.py:40 in get")],
    ),
    "stuck.lease_lost": (replace(RUN, activities=(replace(LEASED, lease_until=NOW - 60_000),)), [DEAD]),
    "stuck.workflow_bug": (replace(BLOCKED, error_kind="exception", failures=2), [WORKER]),
    "stuck.poison_task": (
        replace(RUN, task_state="leased", lease_owner="w1", lease_until=NOW - 1, lease_epoch=4, progress_epoch=1), [WORKER],
    ),
    "stuck.poison_payload": (replace(BLOCKED, error_kind="decode"), [WORKER]),
    "stuck.nondeterminism": (replace(BLOCKED, error_kind="nondeterminism"), [WORKER]),
    "stuck.no_mover": (RUN, [WORKER]),
    **{
        f"closed.{status}": (replace(RUN, status=status, closed_at=NOW), [])
        for status in ("completed", "failed", "cancelled", "terminated", "timed_out", "continued")
    },
}  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_given_for_its_evidence(code: str) -> None:
    run, workers = CASES[code]

    verdict = health(run, workers, NOW)

    assert verdict.code == code
    assert verdict.family is CODES[code].family
    assert verdict.label == CODES[code].label
    assert verdict.worst.evidence
    assert verdict.why.endswith((".", ")"))
    assert verdict.worst.next
    assert len(verdict.label) <= 18


@pytest.mark.parametrize(
    "code", [code for code in CODES if CODES[code].family is Family.PERSON or code == "wait.timer"]
)
def test_age_alone_never_means_stuck(code: str) -> None:
    run, workers = CASES[code]
    old = replace(
        run, created_at=0, progress_at=0, waits=tuple(replace(w, opened_at=0) for w in run.waits),
        approvals=tuple(replace(a, opened_at=0) for a in run.approvals),
    )  # fmt: skip

    assert health(old, workers, NOW).family is CODES[code].family


@pytest.mark.parametrize("code", ["stuck.no_worker", "human.overdue", "retry.activity"])
def test_a_parent_has_the_code_of_the_child_that_holds_it(code: str) -> None:
    child, workers = CASES[code]
    parent = replace(RUN, waits=(CHILD,), children={"c": replace(child, id="c")})

    verdict = health(parent, workers, NOW)

    assert verdict.code == code
    assert verdict.why.startswith("Waits for its child 'c': ")


def test_a_condition_that_only_conditions_surround_is_stuck() -> None:
    run = replace(
        RUN, waits=(replace(CONDITION, name="stock is there"), replace(CONDITION, seq=-9))
    )

    assert health(run, [WORKER], NOW).code == "stuck.unsatisfiable"


def test_a_stuck_item_dominates_and_says_what_still_moves() -> None:
    run = replace(RUN, waits=(TIMER,), activities=(replace(LEASED, lease_until=NOW - 60_000),))

    verdict = health(run, [DEAD], NOW)

    assert [item.code for item in verdict.items] == ["stuck.lease_lost", "wait.timer"]
    assert verdict.why.endswith("(1 of 2 items still move.)")


def test_a_person_waited_for_is_named_even_while_nobody_works() -> None:
    verdict = health(CASES["human.waiting"][0], [], NOW)

    assert verdict.why == "“Refund 640 EUR?” asked of ops 1 d ago, due in 2 d."
    assert verdict.worst.next == "In 2 d the timeout answers instead."


def test_a_dead_worker_is_named_with_the_time_since() -> None:
    run = replace(READY, task_visible_at=NOW - 50_000)

    verdict = health(run, [DEAD], NOW)

    assert verdict.why == "Queue 'default' has had no worker for 1 min (last: w1)."


def test_an_attempt_that_just_lost_its_lease_is_given_the_grace_to_be_taken_back() -> None:
    limits = Thresholds()
    fresh = replace(LEASED, lease_until=NOW - limits.grace + 1)

    assert health(replace(RUN, activities=(fresh,)), [WORKER], NOW).code == "work.activity"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 s"),
        (999, "0 s"),
        (1000, "1 s"),
        (61_000, "1 min 1 s"),
        (3_600_000, "1 h"),
        (DAY + 61_000, "1 d"),
    ],
)
def test_durations_are_words(ms: int, text: str) -> None:
    assert span(ms) == text


def test_every_code_has_a_case() -> None:
    assert set(CASES) == set(CODES)


def test_an_activity_whose_workers_keep_vanishing_is_stuck() -> None:
    lost = replace(
        ACTIVITY, state="attention", attempt=3, error_type="WorkerLost", same_error=3, same_error_since=NOW - 60_000,
        error_at=NOW - 1000,
    )  # fmt: skip

    verdict = health(replace(RUN, activities=(lost,)), [WORKER], NOW)

    assert verdict.code == "stuck.poison_task"
    assert (
        verdict.why
        == "3 attempts of charge (#1) in a row ended with their worker. No worker takes it any more."
    )


def test_a_run_that_is_being_ended_is_judged_by_the_activity_that_undoes_a_step() -> None:
    ending = replace(
        RUN, ending="terminated", activities=(replace(FAILED, seq=-3),), waits=(TIMER,)
    )

    verdict = health(ending, [WORKER], NOW)

    assert [item.code for item in verdict.items] == ["retry.activity"]
    assert verdict.why.startswith(
        "The run is being terminated; undoing its steps. charge failed 3 times"
    )


def test_a_paused_run_that_nobody_works_on_is_not_stuck() -> None:
    paused = replace(CASES["stuck.no_worker"][0], paused_at=NOW - DAY, paused_by="ana")

    assert health(paused, [], NOW).code == "human.paused"


def test_a_run_ended_from_outside_says_why_and_what_was_not_undone() -> None:
    undone = [{"name": "refund", "state": "failed", "error": "HTTPError: 503"}]
    closing = {"reason": "wrong customer", "compensations": undone}
    run = replace(RUN, status="terminated", closed_at=NOW, closing=closing)

    why = health(run, [], NOW).why

    assert why == "Terminated after 5 s: wrong customer. refund: failed (HTTPError: 503)."
