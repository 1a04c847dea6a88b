"""What a person is shown when code and history do not agree."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from holdfast._core.matcher import TITLES, identity
from holdfast.history import Command, Event, Json, ScheduleActivity, StartTimer, Turn, name_of

_AROUND = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Show one command: its number, what it asks for and the line of code that asked."""

    seq: int
    kind: str
    name: str
    text: str
    site: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLine:
    """Show one turn around the difference."""

    turn: int
    event: str
    commands: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Describe the first turn at which the code asked for other commands than the history records."""

    code: str
    workflow: str
    run: str
    turn: int
    after: str
    expected: tuple[Line, ...]
    got: tuple[Line, ...]
    around: tuple[TurnLine, ...]
    recorded_code: str
    current_code: str
    suggestion: str
    detail: str = ""

    @property
    def signature(self) -> str:
        """Return what runs that stop at the same place have in common."""
        differing = [line for line in (*self.expected, *self.got) if line.differs]
        lines = [f"{line.kind} {line.name}@{line.site.partition(' in ')[0]}" for line in differing]
        return " | ".join((self.code, self.workflow, *lines))[:500]

    def to_json(self) -> dict[str, Json]:
        """Return the report as JSON."""
        tree = cast("dict[str, Json]", asdict(self))
        tree["expected"] = [asdict(line) for line in self.expected]
        tree["got"] = [asdict(line) for line in self.got]
        tree["around"] = [asdict(line) for line in self.around]
        tree["title"] = TITLES.get(self.code, "")
        return tree


def describe_event(event: Event | None, names: Mapping[int, str]) -> str:
    """Return an inbound event in words."""
    if event is None:
        return "nothing"
    seq = getattr(event, "seq", None)
    words = {
        "run_started": "start",
        "activity_completed": "result of",
        "activity_failed": "failure of",
        "timer_fired": "timer",
        "approval_decided": "decision on",
        "approval_expired": "timeout of",
        "cancel_requested": "cancel request",
    }
    target = "" if seq is None else f" #{seq} {names.get(seq, '')}".rstrip()
    return words.get(event.kind, event.kind) + target


def describe_command(command: Command) -> str:
    """Return a command in words."""
    match command:
        case ScheduleActivity():
            return f"activity {command.name}({', '.join(_short(arg) for arg in command.args)})"
        case StartTimer():
            return f"timer {command.ms / 1000:g} s"
    word = {
        "request_approval": "approval", "reopen_approval": "ask again", "cancel_command": "cancel", "record_patch": "patch",
        "remind_approval": "reminder of", "escalate_approval": "escalation of",
        "complete_run": "end of the run", "fail_run": "failure of the run", "cancel_run": "cancellation of the run",
        "register_compensation": "registration of the compensation", "run_compensation": "compensation",
    }[command.kind]  # fmt: skip
    return f"{word} {name_of(command)}".rstrip()


def _short(value: Json, limit: int = 32) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def names_of(turns: Sequence[Turn]) -> dict[int, str]:
    """Return what each recorded command number stands for."""
    return {
        command.seq: name_of(command) or command.kind.removeprefix("start_")
        for turn in turns
        for command in turn.commands or ()
    }


def lines_of(commands: Sequence[Command], others: Sequence[Command]) -> tuple[Line, ...]:
    """Return commands as report lines, each marked when the other side does not have it in this place."""
    return tuple(
        Line(
            seq=command.seq,
            kind=command.kind,
            name=name_of(command),
            text=describe_command(command),
            site=command.site,
            differs=index >= len(others) or identity(command) != identity(others[index]),
        )
        for index, command in enumerate(commands)
    )


def turns_around(turns: Sequence[Turn], index: int) -> tuple[TurnLine, ...]:
    """Return the turns next to the one at `index`."""
    names = names_of(turns)
    return tuple(
        TurnLine(
            turn=turn.event.turn,
            event=describe_event(turn.event, names),
            commands=", ".join(describe_command(command) for command in turn.commands or ())
            or "nothing",
        )
        for turn in turns[max(0, index - _AROUND) : index + _AROUND + 1]
    )


def suggest(code: str, recorded: Sequence[Command], produced: Sequence[Command]) -> str:
    """Return one edit that lets open runs go on."""
    new = next(
        (c for c, o in _paired(produced, recorded) if o is None or identity(c) != identity(o)), None
    )
    name = (name_of(new) if new else "") or "this-change"
    patch = name.replace("_", "-").strip("#")
    match code:
        case "ND11":
            marker = next((name_of(c) for c in recorded if c.kind == "record_patch"), "")
            return f'Bring back `workflow.patched("{marker}")`, or list it in `retired_patches` if only its old branch is gone.'
        case "ND13":
            return "Bring back the call that this event answers, or put its removal behind `workflow.patched(…)`."
        case "ND14":
            return "Bring the old type back, or give each field that was added a default."
        case "ND01":
            return f'if workflow.patched("{patch}"):  # new runs take this branch, open runs keep the old one'
        case _:
            return f'if workflow.patched("{patch}"): the new code; else: the code that this history records'


def _paired(
    commands: Sequence[Command], others: Sequence[Command]
) -> list[tuple[Command, Command | None]]:
    return [(c, others[i] if i < len(others) else None) for i, c in enumerate(commands)]


def render(report: Mapping[str, Any]) -> str:
    """Return a report in its JSON form as text."""
    head = f"{report['code']} {report['title']}   {report['workflow']} run {report['run']}   turn {report['turn']}"
    lines = [
        f"{head} (after {report['after']})   code {report['recorded_code']} -> {report['current_code']}"
    ]
    if report["detail"]:
        lines.append(f"  {report['detail']}")
    lines += _side("recorded", report["expected"]) + _side("produced", report["got"])
    for turn in report["around"]:
        mark = ">" if turn["turn"] == report["turn"] else " "
        lines.append(f"{mark} turn {turn['turn']:<3} in {turn['event']:<34} out {turn['commands']}")
    if report["suggestion"]:
        lines.append(f"  fix:  {report['suggestion']}")
    return "\n".join(lines)


def _side(label: str, lines: Sequence[Mapping[str, Any]]) -> list[str]:
    if not lines:
        return [f"  {label}:  nothing"]
    rows = []
    for index, line in enumerate(lines):
        head = f"  {label}:" if index == 0 else " " * (len(label) + 3)
        mark = "   <-- differs" if line["differs"] else ""
        rows.append(f"{head}  #{line['seq']} {line['text']:<44} {line['site']}{mark}".rstrip())
    return rows
