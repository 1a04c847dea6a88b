"""Compares the commands of a turn with the recorded ones, and names the class of the first difference."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter, is_
from typing import Any

from pydantic_core import to_json

from holdfast._core.changes import changes_of
from holdfast.history import (
    CLOSINGS,
    COMMANDS,
    Command,
    Json,
    RecordPatch,
    body_of,
    name_of,
)

_MOST_PAIRS = 250_000
TITLES = {
    "ND01": "added command",
    "ND02": "removed command",
    "ND03": "reordered commands",
    "ND04": "renamed command",
    "ND05": "changed kind of command",
    "ND08": "moved command",
    "ND09": "run ends elsewhere",
    "ND11": "patch removed too early",
    "ND12": "old branch of a patch is gone",
    "ND13": "event without its command",
    "ND14": "payload does not decode",
    "ND15": "environment changed",
    "ND16": "code is not repeatable",
}
_DRIFTS = {
    "schedule_activity": (("args", "DR06"), ("options", "DR07")),
    "register_compensation": (("args", "DR06"), ("options", "DR07")),
    "start_timer": (("ms", "DR10"),),
    "request_approval": (
        ("ask", "DR06"),
        ("to", "DR06"),
        ("schema", "DR07"),
        ("timeout_ms", "DR07"),
        ("shows", "DR06"),
        ("quorum", "DR07"),
    ),
    "escalate_approval": (("to", "DR06"),),
    "publish_value": (("value", "DR06"),),
    "set_attributes": (("attributes", "DR06"),),
    "answer_update": (("reply", "DR06"),),
    "refuse_update": (("failure", "DR06"),),
    "start_child": (
        ("args", "DR06"),
        ("queue", "DR07"),
        ("on_close", "DR07"),
        ("timeout_ms", "DR07"),
        ("retry_budget", "DR07"),
    ),
    "send_signal": (("payload", "DR06"),),
    "continue_as_new": (("args", "DR06"), ("carry", "DR06")),
    "complete_run": (("result", "DR10"),),
    "fail_run": (("failure", "DR10"),),
}
# Every other field is part of the identity, or says nothing about what was asked for: `entry` (where the code of a
# workflow stands; its name is the identity) and `reason` (the words of an error, which a library may change).

_OF_PAYLOADS = frozenset({"DR06", "DR10"})
_PAYLOADS = {
    kind: tuple(name for name, code in known if code in _OF_PAYLOADS)
    for kind, known in _DRIFTS.items()
}

Identity = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Describe a command that is the recorded one with other content: its arguments, options or result."""

    code: str
    turn: int
    seq: int
    site: str
    name: str
    field: str
    recorded: Json
    produced: Json
    changes: tuple[str, ...] = ()


def identity(command: Command) -> Identity:
    """Return what must be equal for two commands to be the same."""
    return command.kind, name_of(command)


def matches(recorded: Sequence[Command], produced: Sequence[Command]) -> bool:
    """Tell whether two turns asked for the same commands in the same order."""
    return len(recorded) == len(produced) and all(map(_are_same, recorded, produced))


def _are_same(old: Command, new: Command) -> bool:
    return old.kind == new.kind and name_of(old) == name_of(new)


# Everything but the place, which an edit elsewhere in the file changes.
_CONTENT: dict[type[Any], Callable[[Any], Any]] = {
    kind: attrgetter("kind", *(field.name for field in fields(kind) if field.name != "site"))
    for kind in COMMANDS.values()
}


def alike(recorded: Sequence[Command], produced: Sequence[Command]) -> bool:
    """Tell whether two turns asked for the same commands with the same content: nearly always, and quickly told."""
    if len(recorded) != len(produced):
        return False
    if all(map(is_, recorded, produced)):
        return True
    for old, new in zip(recorded, produced, strict=True):
        content = _CONTENT[type(new)]
        if type(old) is not type(new) or content(old) != content(new):
            return False
        if not all(
            written_alike(getattr(old, name), getattr(new, name))
            for name in _PAYLOADS.get(old.kind, ())
        ):
            return False
    return True


def written_alike(old: Any, new: Any) -> bool:
    """Tell whether two payloads are the same JSON; to Python 1, 1.0 and True are equal, and they are not."""
    if old is new:
        return True
    return bool(old == new) and (to_json(old) == to_json(new) or _is_exactly(old, new))


def _is_exactly(old: Any, new: Any) -> bool:
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return all(_is_exactly(value, new[key]) for key, value in old.items())
    if isinstance(old, list | tuple):
        return all(map(_is_exactly, old, new))
    return bool(old == new)


Complete = Callable[[Command], Json]


def _differs(old: Any, new: Any, code: str) -> bool:
    return bool(old != new) or (code in _OF_PAYLOADS and not written_alike(old, new))


def drifts_of(
    turn: int,
    recorded: Sequence[Command],
    produced: Sequence[Command],
    complete: Complete = lambda _: None,
) -> list[Drift]:
    """Return the differences in content between two turns that match.

    `complete` returns the payload of a recorded command as today's types read it, defaults filled in.
    """
    return [
        _drift(turn, old, new, field, code, complete)
        for old, new in zip(recorded, produced, strict=True)
        for field, code in _DRIFTS.get(old.kind, ())
        if _differs(getattr(old, field), getattr(new, field), code)
    ]


def _drift(
    turn: int, old: Command, new: Command, field: str, code: str, complete: Complete
) -> Drift:
    before, after = body_of(old)[field], body_of(new)[field]
    completed = complete(old) if field in {"args", "result"} else None
    return Drift(
        code=code, turn=turn, seq=old.seq, site=new.site, name=name_of(old), field=field, recorded=before,
        produced=after, changes=changes_of(field, before, after, completed=completed),
    )  # fmt: skip


def common(commands: Sequence[Command], others: Sequence[Command]) -> frozenset[int]:
    """Return the indexes of a longest run of commands that both have in the same order.

    Which of several equally long ones does not depend on the side it is asked for. Very long turns are compared by
    what begins and ends both alone.
    """
    old, new = [identity(c) for c in commands], [identity(c) for c in others]
    end = min(len(old), len(new))
    head = next((i for i in range(end) if old[i] != new[i]), end)
    tail = next((i for i in range(end - head) if old[-1 - i] != new[-1 - i]), end - head)
    shared = {*range(head), *range(len(old) - tail, len(old))}
    middle, other = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(middle) * len(other) <= _MOST_PAIRS:
        shared |= {head + index for index in _longest(middle, other)}
    return frozenset(shared)


def _longest(old: Sequence[Identity], new: Sequence[Identity]) -> set[int]:
    """Return the indexes in `old` of a longest common subsequence."""
    length = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            length[i][j] = (
                1 + length[i + 1][j + 1]
                if old[i] == new[j]
                else max(length[i + 1][j], length[i][j + 1])
            )
    found, i, j = set(), 0, 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            found.add(i)
            i, j = i + 1, j + 1
        elif length[i + 1][j] > length[i][j + 1]:
            i += 1
        elif length[i + 1][j] < length[i][j + 1]:
            j += 1
        elif old[i] < new[j]:  # either will do: the same one from both sides
            i += 1
        else:
            j += 1
    return found


def without_retired(recorded: Sequence[Command], retired: frozenset[str]) -> tuple[Command, ...]:
    """Return the recorded commands without the markers of retired patches."""
    return tuple(c for c in recorded if not (isinstance(c, RecordPatch) and c.patch in retired))


def classify(
    recorded: Sequence[Command], produced: Sequence[Command], *, recorded_later: Iterable[Command],
    produced_later: Iterable[Command],
) -> str:  # fmt: skip
    """Return the code of the difference between two turns that do not match.

    `recorded_later` and `produced_later` are the commands of the next few turns: they tell a moved command from an
    added or removed one.
    """
    old_left = _leftover(recorded, produced)
    new_left = _leftover(produced, recorded)
    if old_left and all(isinstance(command, RecordPatch) for command in old_left) and not new_left:
        return "ND11"
    if _has_closing(old_left) != _has_closing(new_left):
        return "ND09"
    came, asked = tuple(recorded_later), tuple(produced_later)
    if _took_its_place(old_left, new_left, came, asked):
        return _one_for_one(old_left[0], new_left[0])
    match _all_found(old_left, asked), _all_found(new_left, came):
        case False, False:
            return _neither_moved(recorded, produced, old_left, new_left)
        case True, True:
            return "ND08" if bool(old_left) != bool(new_left) else "ND03"
        case is_later, _:
            # What is recorded here comes later: something was put before it. Or else what is asked for here was
            # recorded later: something before it is gone.
            return "ND01" if is_later else "ND02"


def _neither_moved(
    recorded: Sequence[Command],
    produced: Sequence[Command],
    old_left: Sequence[Command],
    new_left: Sequence[Command],
) -> str:
    if len(old_left) == 1 and len(new_left) == 1:
        return _one_for_one(old_left[0], new_left[0])
    return _first_code(recorded, produced, old_left=old_left)


def _leftover(commands: Sequence[Command], others: Sequence[Command]) -> list[Command]:
    spare = Counter(identity(command) for command in others)
    left = []
    for command in commands:
        if spare[identity(command)]:
            spare[identity(command)] -= 1
        else:
            left.append(command)
    return left


def _has_closing(commands: Sequence[Command]) -> bool:
    return any(isinstance(command, CLOSINGS) for command in commands)


def _all_found(left: Sequence[Command], later: Iterable[Command]) -> bool:
    known = {identity(command) for command in later}
    return all(identity(command) in known for command in left)


def _took_its_place(
    old_left: Sequence[Command], new_left: Sequence[Command], recorded_later: Sequence[Command],
    produced_later: Sequence[Command],
) -> bool:  # fmt: skip
    """Tell whether one command stands where one other stood, and all that follows stands where it did.

    The name of either may come again later; the same call coming later says that it was moved, or something put before
    it.
    """
    if len(old_left) != 1 or len(new_left) != 1:
        return False
    return (
        not any(_is_same_call(old_left[0], command) for command in produced_later)
        and not any(_is_same_call(new_left[0], command) for command in recorded_later)
        and all(map(_are_same, recorded_later, produced_later))
    )


def _is_same_call(old: Command, new: Command) -> bool:
    return _are_same(old, new) and all(
        written_alike(getattr(old, name), getattr(new, name))
        for name in _PAYLOADS.get(old.kind, ())
    )


def _one_for_one(old: Command, new: Command) -> str:
    if old.kind != new.kind:
        return "ND05"
    same_args = old.kind == "schedule_activity" and body_of(old)["args"] == body_of(new)["args"]
    same_line = _line(old.site) == _line(new.site)
    same_function = old.site.rpartition(" in ")[2] == new.site.rpartition(" in ")[2]
    return "ND04" if same_args or same_line or same_function else "ND02"


def _line(site: str) -> str:
    return site.partition(" in ")[0]


def _first_code(
    recorded: Sequence[Command], produced: Sequence[Command], *, old_left: Sequence[Command]
) -> str:
    for old, new in zip(recorded, produced, strict=False):
        if identity(old) != identity(new):
            return "ND02" if any(old is left for left in old_left) else "ND01"
    return "ND02" if len(recorded) > len(produced) else "ND01"
