"""The tables, as Markdown: printed by the command, and the page `docs/reference/lint-truth.md`."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from tests.lint.truth.cases import CORPUS, Case
from tests.lint.truth.score import Finding, Score, Verdict
from tests.lint.truth.tools import OTHERS, OURS, ROOT

PAGE = ROOT / "docs" / "reference" / "lint-truth.md"
MEASURED = Path(__file__).with_name("measured.json")
FAMILIES = {
    "1xx": "clock, chance, identity",
    "2xx": "environment and I/O",
    "3xx": "concurrency, blocking",
    "4xx": "order",
    "5xx": "state",
    "6xx": "output",
    "7xx": "API and activities",
    "8xx": "versioning",
    "9xx": "people, secrets, size",
}
_HEAD = """# What the linter finds, and what it does not

<!-- Written by `poe lint-truth --write`. -->

`tests/lint/corpus` holds small programs in every dialect the linter is for. {mistakes} of them contain one mistake, on a
marked line; {look_alikes} look as if they did, and are fine: an activity that reads the clock in the same file, a seeded
generator, a sorted set. They were written from what the engines do, not from what any checker finds. `poe lint-truth`
runs every tool over them and prints these tables; `poe lint-truth --ours` leaves the other tools out and takes a second.

- *found*: a finding on the statement that is marked; of ours, with a code that names the mistake.
- *false alarms*: look-alikes about which something is reported. *beside*: mistakes where something is reported about
  another statement as well, which is fine. A finding for information (ours) or about coverage (replayguard's RG900)
  is none.
- *recall*: found, of all mistakes. *precision*: found, of all cases in which something was reported.
- Each tool gets only the dialects that it supports. temporalint and replayguard are run as a user runs them, and with
  their other settings where these change the figure. Temporal's sandbox is not a checker: the workflows are run in it,
  with made-up arguments and results; what raises or warns there counts as found, whatever the reason.
"""


def tables(scores: Mapping[str, Score]) -> str:
    """Return every table."""
    ours = scores[OURS.name]
    parts = [
        "## In total\n\n" + _totals(scores),
        "## By dialect\n\nThe linter of holdfast alone; the others have one dialect each.\n\n"
        + _by_dialect(ours),
    ]
    claimed = {tool.dialects for tool in OTHERS}
    for dialects in sorted(claimed, key=lambda item: sorted(item or ()), reverse=True):
        rivals = [tool for tool in OTHERS if tool.dialects == dialects]
        names = ", ".join(f"`{name}`" for name in sorted(dialects or ()))
        parts.append(
            f"## By family, {names}\n\nMistakes found, of those there are.\n\n"
            + _by_family(
                {
                    OURS.name: ours.of(rivals[0].claims(item.case for item in ours.verdicts)),
                    **{tool.name: scores[tool.name] for tool in rivals},
                }
            )
        )
    parts += [
        "## By family, every dialect\n\n" + _by_family({OURS.name: ours}),
        "## What the linter misses\n\n" + _missed(ours),
    ]
    return "\n".join(parts)


def page(scores: Mapping[str, Score]) -> str:
    """Return the page."""
    ours = scores[OURS.name]
    head = _HEAD.format(mistakes=ours.mistakes, look_alikes=ours.look_alikes)
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))["versions"]
    with_versions = ", ".join(f"{name} {number}" for name, number in measured.items())
    return f"{head}- Measured with {with_versions}.\n\n{tables(scores)}"


def _table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(columns)
    lines = [
        head,
        ["---", *("--:" for _ in head[1:])],
        *([str(cell) for cell in row] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _totals(scores: Mapping[str, Score]) -> str:
    columns = ["", "mistakes", "found", "missed", "recall", "look-alikes", "false alarms", "beside", "precision"]  # fmt: skip
    return _table(columns, [[name, *_figures(score)] for name, score in scores.items()])


def _figures(score: Score) -> list[object]:
    return [
        score.mistakes, score.found, len(score.missed), _percent(score.recall), score.look_alikes, score.alarmed,
        score.beside, _percent(score.precision),
    ]  # fmt: skip


def _by_dialect(score: Score) -> str:
    dialects = sorted({item.case.dialect for item in score.verdicts})
    return _totals(
        {
            f"`{dialect}`": score.of(
                item.case for item in score.verdicts if item.case.dialect == dialect
            )
            for dialect in dialects
        }
    )


def _by_family(scores: Mapping[str, Score]) -> str:
    rows = []
    for family, what in FAMILIES.items():
        narrowed = [_of_family(score, family) for score in scores.values()]
        if any(score.mistakes or score.look_alikes for score in narrowed):
            rows.append([f"{family} {what}", *(_cell(score) for score in narrowed)])
    rows.append(["all", *(_cell(score) for score in scores.values())])
    return _table(["", *scores], rows)


def _of_family(score: Score, family: str) -> Score:
    return score.of(item.case for item in score.verdicts if item.case.family == family)


def _cell(score: Score) -> str:
    alarms = score.alarmed
    more = f", {alarms} false alarm{'s' if alarms > 1 else ''}" if alarms else ""
    return f"{score.found} of {score.mistakes}{more}"


def _missed(score: Score) -> str:
    if not score.missed:
        return "Nothing that is in the corpus.\n"
    return "".join(
        f"- {' or '.join(case.codes)}, `{case.name}`: {case.sentence}\n" for case in score.missed
    )


def save(scores: Mapping[str, Score]) -> None:
    """Keep what the other tools said, so that the page can be written again without them."""
    kept = {
        "versions": {name: version(name) for name in ("temporalint", "replayguard", "temporalio")},
        "tools": {
            tool.name: {
                _key(item.case): {
                    "found": item.found,
                    "alarms": [f"{alarm.code}: {alarm.message}" for alarm in item.alarms],
                }
                for item in scores[tool.name].verdicts
            }
            for tool in OTHERS
        },
    }
    MEASURED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(cases: Iterable[Case]) -> dict[str, Score]:
    """Return what the other tools said when they were run last, of the cases that are still there."""
    kept = json.loads(MEASURED.read_text(encoding="utf-8"))["tools"]
    known = {_key(case): case for case in cases}
    return {
        tool.name: Score(
            verdicts=tuple(
                Verdict(
                    case=known[key],
                    found=said["found"],
                    alarms=tuple(
                        Finding(path=key, line=None, code="", message=alarm)
                        for alarm in said["alarms"]
                    ),
                )
                for key, said in kept.get(tool.name, {}).items()
                if key in known
            )
        )
        for tool in OTHERS
    }


def _key(case: Case) -> str:
    return str(case.path.relative_to(CORPUS))
