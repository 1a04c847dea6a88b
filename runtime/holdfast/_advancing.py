"""What is to be committed for a claimed run: its next turns, or why there are none."""

from dataclasses import asdict, dataclass

from holdfast._core.differing import undecodable
from holdfast._core.driver import Replayed, advance, replay
from holdfast._core.execution import Execution
from holdfast._core.facts import OrphanEventError, WorkflowBugError
from holdfast._core.failures import text_of, trace_of
from holdfast._core.report import Difference
from holdfast._core.sites import file_of_module
from holdfast._guard.installing import install
from holdfast._masking import masked
from holdfast._registry import WorkflowDefinition, on_this_python
from holdfast._store.records import Fault
from holdfast.codec import schemas_of
from holdfast.errors import ForbiddenCallError, HistoryFormatError, PayloadError, SealedPayloadError
from holdfast.history import Command, History, Json, StartChild
from holdfast.runs import Parked

_RETRY_MS = 5_000
_BLOCK_AFTER = 2  # the same bug this often, and a run is held for other code


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Hold the turns of a run that wait to be committed; `parked` are the waits that no command explains.

    `problems` are errors that no code of the run can see any more, such as that of a task which nothing awaits.
    `accepts` are the schemas of the messages that it has asked for so far.
    """

    turns: list[tuple[int, tuple[Command, ...]]]
    parked: list[Parked]
    decisions: list[dict[str, object]]
    drifts: list[dict[str, object]]
    problems: list[str]
    accepts: dict[str, Json]


def prepare(
    definition: WorkflowDefinition,
    history: History,
    *,
    failures: int,
    signature: str | None,
    limit: int | None = None,
    active: frozenset[str] | None = None,
) -> Prepared | Fault:
    """Replay a run and apply the events that follow; nothing is written.

    `failures` and `signature` are those of the fault before, so that the same bug twice is told from a passing one.
    `limit` is how long a new payload may be, `active` which patches it may take; None means all.
    """
    install()
    state = replay(definition, history, active=active)
    state.execution.encoding.limit = limit
    try:
        return _prepare(definition, history, state, failures=failures, signature=signature)
    finally:
        state.execution.evict()


def _prepare(
    definition: WorkflowDefinition,
    history: History,
    state: Replayed,
    *,
    failures: int,
    signature: str | None,
) -> Prepared | Fault:
    if state.difference is not None:
        return _difference_fault(state.difference)
    bug = state.bug
    turns: list[tuple[int, tuple[Command, ...]]] = []
    if bug is None:
        for turn in history.turns[state.turns :]:
            try:
                applied = advance(state.execution, turn.event)
            except (OrphanEventError, PayloadError) as error:
                if not turns:
                    return _difference_fault(undecodable(definition, history, turn.event, error))
                break  # what came before is committed first; the next claim meets this event again
            except WorkflowBugError as error:
                bug = error
                break
            turns.append((applied.turn, applied.commands))
            if state.execution.closed:
                break
    if bug is not None and not turns:
        return _bug_fault(bug, definition, failures=failures, signature=signature)
    return _prepared(state, turns)


def _prepared(state: Replayed, turns: list[tuple[int, tuple[Command, ...]]]) -> Prepared:
    execution = state.execution
    committed = turns[-1][0] if turns else state.turns
    return Prepared(
        turns=turns,
        parked=_parked(execution),
        decisions=[
            asdict(decision) for decision in execution.decisions if decision.turn <= committed
        ],
        drifts=[
            {
                "seq": d.seq,
                "field": d.field,
                "code": d.code,
                "turn": d.turn,
                "name": d.name,
                "site": d.site,
            }
            for d in state.drifts
        ],
        problems=execution.problems,
        accepts=schemas_of(execution.accepts),
    )


def _parked(execution: Execution) -> list[Parked]:
    """Return the open waits; a run that waits for nothing known has one without a name."""
    if execution.closed:
        return []
    waits = list(execution.parking)
    if waits or any(not isinstance(command, StartChild) for command in execution.pending()):
        return waits  # a child that nobody awaits moves nothing
    site = execution.parked_site()
    return [Parked(number=0, kind="condition", name="", site=site, since=execution.now_ms)]


def _difference_fault(difference: Difference) -> Fault:
    code = difference.current_code
    # Where the Python is what changed, the same code heals the run on the old one.
    is_python = difference.code == "ND15" and bool(difference.structure)
    return Fault(
        kind="decode" if difference.code == "ND14" else "nondeterminism",
        error=difference.to_json(),
        signature=difference.signature,
        code=on_this_python(code) if is_python else code,
        blocks=True,
    )


def _bug_fault(
    bug: WorkflowBugError, definition: WorkflowDefinition, *, failures: int, signature: str | None
) -> Fault:
    cause = bug.__cause__ or bug
    site = (cause.site if isinstance(cause, ForbiddenCallError) else "") or _site_of(cause)
    found = f"{type(cause).__name__} at {site}"[
        :500
    ]  # without the message: that may differ each time
    error: dict[str, Json] = {
        "type": type(cause).__name__,
        "message": masked(text_of(cause)),
        "site": site,
        "traceback": trace_of(cause),
    }
    again = failures + 1 if signature == found else 1
    return Fault(
        kind="exception", error=error, signature=found, code=definition.fingerprint, blocks=again >= _BLOCK_AFTER,
        retry_in_ms=_RETRY_MS,
    )  # fmt: skip


def _site_of(error: BaseException) -> str:
    site = ""
    trace = error.__traceback__
    while trace is not None:
        place = file_of_module(trace.tb_frame)
        site = f"{place}:{trace.tb_lineno} in {trace.tb_frame.f_code.co_name}" if place else site
        trace = trace.tb_next
    return site


def unusable(error: BaseException, *, code: str) -> Fault:
    """Return the fault of a run whose history cannot be read, or whose turn cannot be committed."""
    kind = "decode" if isinstance(error, PayloadError | HistoryFormatError) else "exception"
    name = type(error).__name__
    site = _site_of(error)
    tree: dict[str, Json] = {
        "type": name,
        "message": masked(text_of(error)),
        "traceback": trace_of(error),
    }
    if isinstance(error, SealedPayloadError):
        site, tree["sealed"] = error.place, error.key
    # What many runs lack is one key: without their places they count as held by the same fault.
    signature = f"{name} key {tree['sealed']}" if "sealed" in tree else f"{name} at {site}"
    return Fault(
        kind=kind, error=tree | {"site": site}, signature=signature[:500], code=code, blocks=True
    )
