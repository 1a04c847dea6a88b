"""What a person is shown when code and history do not agree."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from holdfast._core.matcher import TITLES, common, identity
from holdfast._core.wording import describe_command, describe_event, names_of
from holdfast.history import Command, Json, Turn, name_of

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
    letter: dict[str, Json] | None = None  # the signal that cannot be read, and may be discarded
    structure: str = ""  # the class by its commands alone, where `code` is a deeper reason

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
        tree["structure_title"] = TITLES.get(self.structure, "")
        return tree


def lines_of(commands: Sequence[Command], others: Sequence[Command]) -> tuple[Line, ...]:
    """Return commands as report lines, each marked when it has no counterpart in order on the other side."""
    shared = common(commands, others)
    return tuple(
        Line(
            seq=command.seq,
            kind=command.kind,
            name=name_of(command),
            text=describe_command(command),
            site=command.site,
            differs=index not in shared,
        )
        for index, command in enumerate(commands)
    )


def turns_around(
    turns: Sequence[Turn], index: int, expected: Sequence[Line] = (), got: Sequence[Line] = ()
) -> tuple[TurnLine, ...]:
    """Return the turns next to the one at `index`, which shows what is gone (-) and what is new (+) in it."""
    names = names_of(turns)
    first = max(0, index - _AROUND)
    return tuple(
        TurnLine(
            turn=turn.event.turn,
            event=describe_event(turn.event, names),
            commands=(", ".join(map(describe_command, turn.commands or ())) or "nothing")
            if number != index or not (expected or got)
            else _marked(expected, got),
        )
        for number, turn in enumerate(turns[first : index + _AROUND + 1], first)
    )


def _marked(expected: Sequence[Line], got: Sequence[Line]) -> str:
    gone, words = deque(expected), []
    for line in got:
        while gone and gone[0].differs:
            words.append(f"- {gone.popleft().text}")
        words.append(f"+ {line.text}" if line.differs else gone.popleft().text)
    words += [f"- {line.text}" for line in gone]
    return ", ".join(words)


def suggest(
    code: str, recorded: Sequence[Command], produced: Sequence[Command], *, patch: str = ""
) -> str:
    """Return one edit that lets open runs go on; `patch` is the one whose old branch is missing."""
    new = next(
        (c for c, o in _paired(produced, recorded) if o is None or identity(c) != identity(o)), None
    )
    name = (name_of(new) if new else "") or "this-change"
    label = name.replace("_", "-").strip("#")
    match code:
        case "ND11":
            marker = next((name_of(c) for c in recorded if c.kind == "record_patch"), "")
            return f'Bring back `workflow.patched("{marker}")`, or list it in `retired_patches` if only its old branch is gone.'
        case "ND12":
            return f'Take "{patch}" out of `retired_patches` and bring its call and old branch back until no open run needs them.'
        case "ND01":
            return f'if workflow.patched("{label}"):  # new runs take this branch, open runs keep the old one'
    general = (
        f'if workflow.patched("{label}"): the new code; else: the code that this history records'
    )
    return _FIXES.get(code, general)


_FIXES = {
    "ND13": "Bring back the call that this event answers, or put its removal behind `workflow.patched(…)`.",
    "ND14": "Bring the old type back, or give each field that was added a default.",
    "ND15": (
        "Replay it on the Python that the run was started on, and let workers of that version finish the open runs; "
        "between these lines look for a library that answers otherwise on this one."
    ),
    "ND16": (
        "Between these lines look for what differs each time: iteration over a set, hash(), id(), a clock or random "
        "draw that is not the workflow's, a module variable that code changes."
    ),
}


def _paired(
    commands: Sequence[Command], others: Sequence[Command]
) -> list[tuple[Command, Command | None]]:
    return [(c, others[i] if i < len(others) else None) for i, c in enumerate(commands)]


def recorded_place(report: Mapping[str, Any]) -> str:
    """Return `file:line` of the recorded command at which a report begins; empty when none is recorded."""
    recorded = report.get("expected") or ()
    lines = [line for line in recorded if line["differs"]] or list(recorded)
    return str(lines[0]["site"]).partition(" in ")[0] if lines else ""


def render(report: Mapping[str, Any]) -> str:
    """Return a report in its JSON form as text."""
    head = f"{report['code']} {report['title']}   {report['workflow']} run {report['run']}   turn {report['turn']}"
    lines = [
        f"{head} (after {report['after']})   code {report['recorded_code']} -> {report['current_code']}"
    ]
    if report.get("structure"):
        lines.append(f"  by its commands: {report['structure']} {report['structure_title']}")
    if report["detail"]:
        lines.append(f"  {report['detail']}")
    if report["expected"] or report["got"]:
        lines += _side("recorded", report["expected"]) + _side("produced", report["got"])
    for turn in report["around"]:
        mark = ">" if turn["turn"] == report["turn"] else " "
        lines.append(f"{mark} turn {turn['turn']:<3} in {turn['event']:<34} out {turn['commands']}")
    if report.get("in_flight"):
        flight = report["in_flight"]
        lines.append(
            f"  in flight: {flight['past']:,} open runs are past {flight['place']}, {flight['before']:,} before it "
            f"(query: holdfast runs --past {flight['place']})"
        )
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
