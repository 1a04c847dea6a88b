"""The schema, the same on SQLite and Postgres. Every key starts with the run id. Instants are milliseconds, UTC."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text
from sqlmodel import Field, SQLModel


def _ms(*, nullable: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=nullable)


class Run(SQLModel, table=True):
    """Hold one row per run, with its workflow task and the lease on it."""

    __tablename__ = "run"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    id: str = Field(primary_key=True)
    workflow: str
    entry: str
    queue: str
    status: str
    seed: str
    flags: int = 0
    python: str
    code: str
    request_digest: str
    created_at: int = Field(sa_column=_ms())
    start_at: int = Field(sa_column=_ms())
    closed_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    result: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    inbound_count: int = 0
    event_at: int = Field(sa_column=_ms())
    done_turn: int = 0
    task_state: str
    task_visible_at: int = Field(sa_column=_ms())
    lease_owner: str | None = None
    lease_until: int | None = Field(default=None, sa_column=_ms(nullable=True))
    lease_epoch: int = 0
    progress_epoch: int = 0
    progress_at: int = Field(sa_column=_ms())
    cancel_requested_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    error_kind: str | None = None
    error: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    error_signature: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    error_code: str | None = None
    error_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    failures: int = 0
    parent: str | None = None
    first_run: str = Field(index=True)  # of a chain of runs that continue one another
    previous: str | None = None
    continued_to: str | None = None
    lineage: str  # the run whose idempotency keys it uses: of a fork, the original
    forked_from: str | None = None
    forked_at: int | None = None
    deadline_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    timeout_ms: int | None = Field(default=None, sa_column=_ms(nullable=True))
    paused_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    paused_by: str | None = None
    pause_reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    ending: str | None = None  # the status that the run takes when its compensations are done
    ending_reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    retry_budget: int | None = None
    retries_used: int = 0
    priority: int = 5  # smaller goes first
    schedule: str | None = None  # that started it, or the first of the runs that it continues
    scheduled_for: int | None = Field(default=None, sa_column=_ms(nullable=True))


class Inbound(SQLModel, table=True):
    """Hold the events of a run in the order in which they were committed."""

    __tablename__ = "inbound"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    turn: int = Field(primary_key=True)
    at: int = Field(sa_column=_ms())
    kind: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    code: str | None = None  # the fingerprint of the code that applied it


class CommandRow(SQLModel, table=True):
    """Hold the commands of a run; `turn` is the event that they answer."""

    __tablename__ = "command"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    turn: int
    kind: str
    name: str
    site: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ActivityRow(SQLModel, table=True):
    """Hold one row per scheduled activity: its state, its attempts and the lease on the running one."""

    __tablename__ = "activity"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    name: str
    queue: str
    state: str
    site: str
    args: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    options: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    max_attempts: int | None = None
    attempt: int = 0
    scheduled_at: int = Field(sa_column=_ms())
    visible_at: int = Field(sa_column=_ms())
    started_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    closed_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    lease_owner: str | None = None
    lease_until: int | None = Field(default=None, sa_column=_ms(nullable=True))
    lease_epoch: int = 0
    beat_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    beat: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    error_type: str | None = None
    error_message: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    error_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    error_signature: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    same_error: int = 0
    same_error_since: int | None = Field(default=None, sa_column=_ms(nullable=True))
    key_seq: int | None = None  # the command whose idempotency key it uses, when not its own
    effect: str = "idempotent"
    probe: bool = False  # the next claim asks whether the effect has happened
    start_by: int | None = Field(default=None, sa_column=_ms(nullable=True))
    expires_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    heartbeat_ms: int | None = Field(default=None, sa_column=_ms(nullable=True))
    deadline_at: int | None = Field(
        default=None, sa_column=_ms(nullable=True)
    )  # the next of its time limits, the end of its lease included
    probes: int = 0  # how often its probe could not tell
    final: bool = False  # no attempt follows, even if the probe answers that nothing happened
    resolution: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    resolved_by: str | None = None
    priority: int = 5  # smaller goes first
    limit_name: str | None = None


class Wait(SQLModel, table=True):
    """Hold why a run is parked: one row per timer, approval or condition that has not been answered."""

    __tablename__ = "wait"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    kind: str
    name: str
    opened_at: int = Field(sa_column=_ms())
    fire_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    due_at: int | None = Field(
        default=None, sa_column=_ms(nullable=True)
    )  # of a wait that a timer of its own ends
    site: str


class Approval(SQLModel, table=True):
    """Hold what people are asked, and what they answered."""

    __tablename__ = "approval"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    name: str
    ask: str = Field(sa_column=Column(Text, nullable=False))
    asked: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    schema_: bytes = Field(sa_column=Column("schema", LargeBinary, nullable=False))
    state: str
    opened_at: int = Field(sa_column=_ms())
    due_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    delivered_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    decided_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    decided_by: str | None = None
    comment: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    answer: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    refused: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    shows: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    digest: str = ""
    quorum: int = 1
    reminders: int = 0
    reminded_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    escalated_at: int | None = Field(default=None, sa_column=_ms(nullable=True))


class Vote(SQLModel, table=True):
    """Hold the answer of one person to an approval."""

    __tablename__ = "vote"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    by: str = Field(primary_key=True)
    at: int = Field(sa_column=_ms())
    turn: int
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    comment: str = Field(sa_column=Column(Text, nullable=False))
    saw: str = ""


class Message(SQLModel, table=True):
    """Remember the messages that a chain of runs has taken in, so that none counts twice."""

    __tablename__ = "message"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    first_run: str = Field(primary_key=True)
    message: str = Field(primary_key=True)
    run_id: str
    turn: int
    digest: str
    at: int = Field(sa_column=_ms())


class Accepted(SQLModel, table=True):
    """Hold the JSON schema of a message that a run takes; `message` is `signal NAME` or `update NAME`."""

    __tablename__ = "accepted"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    message: str = Field(primary_key=True)
    schema_: bytes = Field(sa_column=Column("schema", LargeBinary, nullable=False))


class UpdateRow(SQLModel, table=True):
    """Hold what a run was asked, and its reply."""

    __tablename__ = "update_request"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    first_run: str = Field(primary_key=True)
    update: str = Field(primary_key=True)
    run_id: str
    name: str
    state: str
    digest: str
    requested_at: int = Field(sa_column=_ms())
    answered_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    reply: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class Published(SQLModel, table=True):
    """Hold what a run lets everybody read."""

    __tablename__ = "published"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: int = Field(sa_column=_ms())
    turn: int


class Attribute(SQLModel, table=True):
    """Hold one search attribute of a run: text, or a number, or both when the text is that of the number."""

    __tablename__ = "attribute"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    number: float | None = None


class Child(SQLModel, table=True):
    """Link a run to one that it started, and whose end it is told of."""

    __tablename__ = "child"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    child: str = Field(index=True)
    on_close: str
    open: bool = True


class Compensation(SQLModel, table=True):
    """Hold an activity that undoes a step of a run: registered, running, completed, failed, dropped or skipped."""

    __tablename__ = "compensation"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    name: str
    args: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    options: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    site: str
    state: str


class WorkerRow(SQLModel, table=True):
    """Hold one row per worker process: what it can run, and its two heartbeats."""

    __tablename__ = "worker"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    id: str = Field(primary_key=True)
    host: str
    pid: int
    queue: str  # the first of its queues: all that the first release looks at
    workflows: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    activities: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    slots: int
    busy: int = 0
    started_at: int = Field(sa_column=_ms())
    seen_at: int = Field(sa_column=_ms())
    loop_seen_at: int = Field(sa_column=_ms())
    stack: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    queues: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    patches: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    build: str | None = None
    holdfast: str | None = None
    python: str | None = None
    stopped_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    clock_offset: int | None = Field(
        default=None, sa_column=_ms(nullable=True)
    )  # its machine's clock less the database's


class QueueRow(SQLModel, table=True):
    """Hold what somebody has set for a queue; `full_at` is when the bucket of its rate will be full."""

    __tablename__ = "queue"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    name: str = Field(primary_key=True)
    max_activities: int | None = None
    max_tasks: int | None = None
    rate_count: int | None = None
    rate_per_ms: int | None = Field(default=None, sa_column=_ms(nullable=True))
    rate_burst: int | None = None
    full_at: float = 0.0
    paused_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    paused_by: str | None = None
    pause_reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class KeyLimit(SQLModel, table=True):
    """Hold a limit that activities share by name: what is set by hand, and the bucket of its rate."""

    __tablename__ = "key_limit"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    name: str = Field(primary_key=True)
    by_hand: bool
    at_once: int | None = None
    rate_count: int | None = None
    rate_per_ms: int | None = Field(default=None, sa_column=_ms(nullable=True))
    rate_burst: int | None = None
    full_at: float = 0.0
    free_at: int | None = Field(default=None, sa_column=_ms(nullable=True))


class PatchDecisionRow(SQLModel, table=True):
    """Hold which branch of each patch each run took, both ways."""

    __tablename__ = "patch_decision"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    patch: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    taken: bool
    turn: int


class DriftRow(SQLModel, table=True):
    """Hold commands whose content differs from the record although their identity does not."""

    __tablename__ = "drift"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    run_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    field: str = Field(primary_key=True)
    code: str
    turn: int
    name: str
    site: str


class ArchivedRun(SQLModel, table=True):
    """Remember a run whose rows were deleted, and the file that holds its history."""

    __tablename__ = "archived_run"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    id: str = Field(primary_key=True)
    workflow: str
    status: str
    request_digest: str
    first_run: str
    continued_to: str | None = None
    created_at: int = Field(sa_column=_ms())
    closed_at: int = Field(sa_column=_ms())
    archived_at: int = Field(sa_column=_ms())
    file: str = Field(sa_column=Column(Text, nullable=False))
    digest: str


class Compatibility(SQLModel, table=True):
    """Hold one row: the oldest schema whose release may use this database."""

    __tablename__ = "compatibility"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    id: int = Field(primary_key=True)
    min_compatible: str


class Schedule(SQLModel, table=True):
    """Hold one row per schedule: when it fires, what it starts, and its next tick."""

    __tablename__ = "schedule"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    id: str = Field(primary_key=True)
    workflow: str
    entry: str
    queue: str
    request: bytes = Field(
        sa_column=Column(LargeBinary, nullable=False)
    )  # arguments, attributes, accepted messages, and a digest of what asked for all of it
    spec: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    overlap: str
    catch_up_ms: int = Field(sa_column=_ms())
    jitter_ms: int = Field(sa_column=_ms())
    start_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    end_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    max_runs: int | None = None
    pause_on_failure: bool = False
    timeout_ms: int | None = Field(default=None, sa_column=_ms(nullable=True))
    retry_budget: int | None = None
    priority: int
    created_at: int = Field(sa_column=_ms())
    updated_at: int = Field(sa_column=_ms())
    runs: int = 0
    next_nominal: int | None = Field(default=None, sa_column=_ms(nullable=True))
    next_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    paused_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    paused_by: str | None = None
    pause_note: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class ScheduleTick(SQLModel, table=True):
    """Hold what became of one tick of a schedule; `run_id` is that of its run, also when it was not started."""

    __tablename__ = "schedule_tick"  # type: ignore[mutable-override]  # SQLModel allows a callable here too

    schedule: str = Field(primary_key=True)
    run_id: str = Field(primary_key=True)
    nominal: int = Field(sa_column=_ms())
    fire_at: int = Field(sa_column=_ms())
    decided_at: int = Field(sa_column=_ms())
    origin: str
    state: str
    reason: str | None = None
    note: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    through: int | None = Field(default=None, sa_column=_ms(nullable=True))
    outcome: str | None = None
    closed_at: int | None = Field(default=None, sa_column=_ms(nullable=True))
    unseen: bool = False  # its run has ended, and the schedule has not been looked at since


def _table(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table models
    return table


run = _table(Run)
inbound = _table(Inbound)
command = _table(CommandRow)
activity = _table(ActivityRow)
wait = _table(Wait)
approval = _table(Approval)
worker = _table(WorkerRow)
patch_decision = _table(PatchDecisionRow)
drift = _table(DriftRow)
queue = _table(QueueRow)
key_limit = _table(KeyLimit)
vote = _table(Vote)
message = _table(Message)
accepted = _table(Accepted)
update_request = _table(UpdateRow)
published = _table(Published)
attribute = _table(Attribute)
child = _table(Child)
compensation = _table(Compensation)
archived_run = _table(ArchivedRun)
compatibility = _table(Compatibility)
schedule = _table(Schedule)
schedule_tick = _table(ScheduleTick)

Index(
    "ix_run_task", run.c.queue, run.c.task_state, run.c.task_visible_at,
    sqlite_where=run.c.closed_at.is_(None), postgresql_where=run.c.closed_at.is_(None),
)  # fmt: skip
Index(
    "ix_run_open", run.c.created_at, run.c.id,
    sqlite_where=run.c.closed_at.is_(None), postgresql_where=run.c.closed_at.is_(None),
)  # fmt: skip
Index(
    "ix_run_closed", run.c.closed_at, run.c.id,
    sqlite_where=run.c.closed_at.is_not(None), postgresql_where=run.c.closed_at.is_not(None),
)  # fmt: skip
Index("ix_run_created", run.c.created_at, run.c.id)
Index(
    "ix_activity_due", activity.c.queue, activity.c.visible_at,
    sqlite_where=activity.c.closed_at.is_(None), postgresql_where=activity.c.closed_at.is_(None),
)  # fmt: skip
Index("ix_key_limit_free", key_limit.c.free_at)
Index(
    "ix_activity_turn", activity.c.queue, activity.c.priority, activity.c.visible_at,
    sqlite_where=activity.c.closed_at.is_(None), postgresql_where=activity.c.closed_at.is_(None),
)  # fmt: skip
Index(
    "ix_activity_held", activity.c.queue, activity.c.limit_name, activity.c.lease_owner,
    sqlite_where=activity.c.lease_owner.is_not(None), postgresql_where=activity.c.lease_owner.is_not(None),
)  # fmt: skip
Index("ix_wait_due", wait.c.fire_at)
Index("ix_approval_open", approval.c.state, approval.c.opened_at)
Index(
    "ix_activity_deadline", activity.c.deadline_at,
    sqlite_where=activity.c.closed_at.is_(None), postgresql_where=activity.c.closed_at.is_(None),
)  # fmt: skip
Index(
    "ix_run_deadline", run.c.deadline_at,
    sqlite_where=run.c.closed_at.is_(None), postgresql_where=run.c.closed_at.is_(None),
)  # fmt: skip
Index(
    "ix_worker_live", worker.c.seen_at,
    sqlite_where=worker.c.stopped_at.is_(None), postgresql_where=worker.c.stopped_at.is_(None),
)  # fmt: skip
Index("ix_attribute_text", attribute.c.key, attribute.c.text)
Index("ix_attribute_number", attribute.c.key, attribute.c.number)
Index(
    "ix_run_schedule", run.c.schedule, run.c.created_at,
    sqlite_where=run.c.schedule.is_not(None), postgresql_where=run.c.schedule.is_not(None),
)  # fmt: skip
Index("ix_schedule_due", schedule.c.next_at)
Index("ix_schedule_tick_nominal", schedule_tick.c.schedule, schedule_tick.c.nominal)
Index(
    "ix_schedule_tick_unseen", schedule_tick.c.schedule,
    sqlite_where=schedule_tick.c.unseen, postgresql_where=schedule_tick.c.unseen,
)  # fmt: skip
