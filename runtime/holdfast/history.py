"""What happened in a run: inbound events, the commands that answered them, and the file that carries both.

A history is a list of *turns*. A turn is one inbound event and the commands that workflow code issued when that
event was applied. Both sides are numbered: events by `turn`, commands by `seq`. The last turns of an open run may
have no commands yet because no worker has applied them: `commands` is then None.

The file is JSON lines: a header, then one line per turn. It is the contract between runtime, lint, test kit and
dashboard, and it names no path of any machine.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from holdfast._commands import (
    CLOSINGS,
    COMMANDS,
    AnswerUpdate,
    CancelCommand,
    CancelRun,
    Closing,
    Command,
    CompleteRun,
    ContinueAsNew,
    EscalateApproval,
    FailRun,
    PublishValue,
    RecordPatch,
    RefuseUpdate,
    RegisterCompensation,
    RemindApproval,
    ReopenApproval,
    RequestApproval,
    RunCompensation,
    ScheduleActivity,
    SendSignal,
    SetAttributes,
    StartChild,
    StartTimer,
    name_of,
)
from holdfast._events import (
    EVENTS,
    ActivityCompleted,
    ActivityFailed,
    Answer,
    ApprovalDecided,
    ApprovalExpired,
    CancelRequested,
    ChildCompleted,
    ChildFailed,
    Event,
    Failure,
    Json,
    RunStarted,
    SignalDelivered,
    SignalDiscarded,
    SignalReceived,
    SignalRefused,
    TimerFired,
    UpdateRequested,
)
from holdfast.errors import HistoryFormatError

__all__ = [
    "CLOSINGS",
    "COMMANDS",
    "EVENTS",
    "FORMAT_VERSION",
    "SUFFIX",
    "ActivityCompleted",
    "ActivityFailed",
    "Answer",
    "AnswerUpdate",
    "ApprovalDecided",
    "ApprovalExpired",
    "CancelCommand",
    "CancelRequested",
    "CancelRun",
    "ChildCompleted",
    "ChildFailed",
    "Closing",
    "Command",
    "CompleteRun",
    "ContinueAsNew",
    "EscalateApproval",
    "Event",
    "FailRun",
    "Failure",
    "Header",
    "History",
    "Json",
    "PatchDecision",
    "PublishValue",
    "RecordPatch",
    "RefuseUpdate",
    "RegisterCompensation",
    "RemindApproval",
    "ReopenApproval",
    "RequestApproval",
    "RunCompensation",
    "RunStarted",
    "ScheduleActivity",
    "SendSignal",
    "SetAttributes",
    "SignalDelivered",
    "SignalDiscarded",
    "SignalReceived",
    "SignalRefused",
    "StartChild",
    "StartTimer",
    "TimerFired",
    "Turn",
    "UpdateRequested",
    "body_of",
    "canonical",
    "dump_history",
    "failure_to_json",
    "load_history",
    "make_command",
    "make_event",
    "name_of",
    "parse_history",
]

FORMAT_VERSION = 1
SUFFIX = ".hist.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Pair one inbound event with the commands that answered it; None when no worker has applied it yet.

    `code` is the fingerprint of the code that applied the event; empty when nobody wrote it down.
    """

    event: Event
    commands: tuple[Command, ...] | None
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchDecision:
    """Record which branch of a patch a run took, and at which turn it asked first."""

    patch: str
    key: str | None
    taken: bool
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Say whose history this is; `entry` is `module:name` of the workflow, `code` its fingerprint at the last turn.

    `decisions` are those of the run's patches, both ways; a history of an old release has none. `children` are the ids,
    by command, of the children that a fork shares with its original: they are not named after this run.
    """

    workflow: str
    entry: str
    run: str
    status: str
    code: str
    python: str
    flags: int
    seed: str
    decisions: tuple[PatchDecision, ...] = ()
    children: tuple[tuple[int, str], ...] = ()


_HEADER = tuple(
    field.name for field in fields(Header) if field.name not in {"decisions", "children"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Hold what happened in one run."""

    header: Header
    turns: tuple[Turn, ...]

    @property
    def committed(self) -> tuple[Turn, ...]:
        """Return the turns whose commands are recorded."""
        return tuple(turn for turn in self.turns if turn.commands is not None)


def body_of(record: Event | Command) -> dict[str, Json]:
    """Return the fields of an event or command that its row does not carry in columns of their own."""
    columns = {"turn", "at", "site"} if record.kind in EVENTS else {"seq", "site"}
    body: dict[str, Json] = {}
    for field in fields(record):
        if field.name not in columns:
            value = getattr(record, field.name)
            body[field.name] = failure_to_json(value) if isinstance(value, Failure) else value
    return body


def failure_to_json(failure: Failure) -> dict[str, Json]:
    """Return a failure as JSON."""
    return {field.name: getattr(failure, field.name) for field in fields(failure)}


def make_event(kind: str, *, turn: int, at: int, body: Mapping[str, Json]) -> Event:
    """Build an event from its row or file form, or raise `HistoryFormatError`."""
    return cast(
        "Event", _make(EVENTS, kind, {"turn": turn, "at": at, **body}, where=f"turn {turn}")
    )


def make_command(kind: str, *, seq: int, site: str, body: Mapping[str, Json]) -> Command:
    """Build a command from its row or file form, or raise `HistoryFormatError`."""
    return cast(
        "Command",
        _make(COMMANDS, kind, {"seq": seq, "site": site, **body}, where=f"command #{seq}"),
    )


def _make(
    table: Mapping[str, type[Any]], kind: str, values: dict[str, Any], *, where: str
) -> object:
    if kind not in table:
        raise HistoryFormatError(
            f"{where}: unknown kind {kind!r}. This holdfast knows {', '.join(sorted(table))}; "
            "a newer release may have written it: upgrade holdfast and try again."
        )
    if "failure" in values:
        values["failure"] = _failure(values["failure"], where=where)
    try:
        made = table[kind](**values)
        _check_types(made)
    except TypeError as error:
        raise HistoryFormatError(
            f"{where}: {kind} does not have the fields expected of it: {error}."
        ) from None
    return made


def _check_types(record: Any) -> None:
    """Raise `TypeError` for a field whose value is not of its declared kind."""
    for name, allowed in _declared(type(record)):
        value = getattr(record, name)
        if type(value) not in allowed and (
            not isinstance(value, allowed) or isinstance(value, bool)
        ):
            raise TypeError(f"{name} is {value!r}")


def _told_by_declaration(kind: type[Any]) -> tuple[tuple[str, tuple[type, ...]], ...]:
    """Return the fields of a record whose kind of value can be told by its declaration, with that."""
    found = (
        (
            field.name,
            _KINDS.get(
                str(field.type).partition("[")[0], _KINDS.get(getattr(field.type, "__name__", ""))
            ),
        )
        for field in fields(kind)
    )
    return tuple((name, allowed) for name, allowed in found if allowed is not None)


# mypy does not take a type for hashable, so the cached function is declared.
_declared: Callable[[Any], tuple[tuple[str, tuple[type, ...]], ...]] = lru_cache(maxsize=100)(
    _told_by_declaration
)


_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "str": (str,),
    "list": (list,),
    "dict": (dict,),
    "int | None": (int, type(None)),
    "str | None": (str, type(None)),
}


def _failure(value: Any, *, where: str) -> Failure:
    try:
        failure = Failure(**value)
        _check_types(failure)
    except TypeError:
        raise HistoryFormatError(
            f"{where}: a failure needs type, message, attempts and details; found {value!r}."
        ) from None
    return failure


def canonical(value: Json) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def dump_history(history: History) -> str:
    """Return the text of a history file."""
    header: dict[str, Json] = {"holdfast_history": FORMAT_VERSION, "turns": len(history.turns)}
    header |= {name: getattr(history.header, name) for name in _HEADER}
    if history.header.decisions:
        header["decisions"] = [asdict(decision) for decision in history.header.decisions]
    if history.header.children:
        header["children"] = [[seq, child] for seq, child in history.header.children]
    lines = [_line(header)]
    code = ""
    for turn in history.turns:
        event = {"kind": turn.event.kind, **body_of(turn.event)}
        commands = (
            None
            if turn.commands is None
            else [_command_to_json(command) for command in turn.commands]
        )
        row: dict[str, Json] = {
            "t": turn.event.turn,
            "at": turn.event.at,
            "in": event,
            "out": cast("Json", commands),
        }
        if commands is not None and turn.code != code:
            code = row["code"] = turn.code
        lines.append(_line(row))
    return "".join(lines)


def _line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _command_to_json(command: Command) -> dict[str, Json]:
    return {"seq": command.seq, "kind": command.kind, **body_of(command), "site": command.site}


def parse_history(text: str, *, name: str = "history") -> History:
    """Read the text of a history file; `name` is what errors call it."""
    lines = [
        line for line in text.split("\n") if line.strip()
    ]  # splitlines() also splits inside strings, at U+2028
    if not lines:
        raise HistoryFormatError(
            f"{name}: the file is empty; expected a header line and one line per turn."
        )
    header_line = _json_line(lines[0], name, 1)
    header = _header(header_line, name)
    turns = tuple(_turns(lines[1:], name))
    if header_line.get("turns") != len(turns):
        raise HistoryFormatError(
            f"{name}: the header announces {header_line.get('turns')} turns and {len(turns)} follow. "
            "The file was cut or edited: export it again."
        )
    _check_numbers(turns, name)
    return History(header=header, turns=turns)


def _json_line(line: str, name: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise HistoryFormatError(f"{name}:{number}: not a JSON line: {error}.") from None
    if not isinstance(value, dict):
        raise HistoryFormatError(
            f"{name}:{number}: expected a JSON object, found {type(value).__name__}."
        )
    return value


def _header(value: dict[str, Any], name: str) -> Header:
    version = value.get("holdfast_history")
    if version is None:
        raise HistoryFormatError(
            f"{name}:1: not a holdfast history: the first line has no `holdfast_history`. "
            "Make one with: holdfast history export RUN"
        )
    if version != FORMAT_VERSION:
        raise HistoryFormatError(
            f"{name}:1: history format {version}; this holdfast reads format {FORMAT_VERSION}. Upgrade holdfast."
        )
    missing = [field for field in _HEADER if field not in value]
    if missing:
        raise HistoryFormatError(f"{name}:1: the header lacks {', '.join(missing)}.")
    try:
        decisions = tuple(_decision(row) for row in value.get("decisions", ()))
        children = tuple(_child(row) for row in value.get("children", ()))
        header = Header(
            **{field: value[field] for field in _HEADER}, decisions=decisions, children=children
        )
        _check_types(header)
    except TypeError as error:
        raise HistoryFormatError(
            f"{name}:1: the header is not what it should be: {error}."
        ) from None
    return header


def _child(row: Any) -> tuple[int, str]:
    match row:
        case [int() as seq, str() as child]:
            return seq, child
        case _:
            raise TypeError(f"children holds {row!r}")


def _decision(row: Any) -> PatchDecision:
    """Return a decision from its file form, or raise `TypeError`."""
    if not isinstance(row, dict):
        raise TypeError(f"decisions holds {row!r}")
    decision = PatchDecision(**row)
    _check_types(decision)
    if not isinstance(decision.taken, bool):
        raise TypeError(f"taken is {decision.taken!r}")
    return decision


def _turns(lines: Iterable[str], name: str) -> Iterator[Turn]:
    code = ""
    for number, line in enumerate(lines, 2):
        value = _json_line(line, name, number)
        code = value.get("code", code)
        if not isinstance(code, str):
            raise HistoryFormatError(
                f"{name}:{number}: code is {code!r}; expected the fingerprint of code, a string."
            )
        yield _turn(value, code, name, number)


def _turn(value: dict[str, Any], code: str, name: str, number: int) -> Turn:
    try:
        event = dict(value["in"])
        commands = value["out"]
        turn, at = int(value["t"]), int(value["at"])
        made = make_event(event.pop("kind"), turn=turn, at=at, body=event)
        if commands is None:
            return Turn(event=made, commands=None)
        return Turn(event=made, commands=_commands(commands), code=code)
    except HistoryFormatError as error:
        raise HistoryFormatError(f"{name}:{number}: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryFormatError(
            f"{name}:{number}: a turn needs t, at, in and out: {error!r}."
        ) from None


def _commands(values: Iterable[Mapping[str, Any]]) -> tuple[Command, ...]:
    made = []
    for value in values:
        rest = dict(value)
        kind, seq, site = rest.pop("kind"), int(rest.pop("seq")), str(rest.pop("site"))
        made.append(make_command(kind, seq=seq, site=site, body=rest))
    return tuple(made)


def _check_numbers(turns: tuple[Turn, ...], name: str) -> None:
    for index, turn in enumerate(turns, 1):
        if turn.event.turn != index:
            raise HistoryFormatError(
                f"{name}:{index + 1}: expected turn {index}, found turn {turn.event.turn}."
            )
    seqs = [command.seq for turn in turns for command in turn.commands or ()]
    if seqs != list(range(1, len(seqs) + 1)):
        raise HistoryFormatError(
            f"{name}: commands must be numbered 1, 2, 3, …; found {seqs[:20]}."
        )


def load_history(path: Path) -> History:
    """Read a history file, compressed with gzip or not, or raise `HistoryFormatError`."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise HistoryFormatError(f"{path}: cannot be read as a history: {error}.") from None
    return parse_history(text, name=str(path))
