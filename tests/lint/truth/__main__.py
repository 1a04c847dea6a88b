"""Run every checker over the corpus and print what each finds: `poe lint-truth`. The last line is our figure.

Exit code 0 when ours finds 95 % of the mistakes and reports no look-alike, else 1. `--write` brings
docs/reference/lint-truth.md up to date, and takes what is found now off the list of misses.
"""

import argparse
import sys

from tests.lint.truth.cases import Case, load_cases
from tests.lint.truth.misses import shrink
from tests.lint.truth.page import PAGE, measured, page, save, tables
from tests.lint.truth.score import Score
from tests.lint.truth.tools import OTHERS, OURS, Tool

AIM = 0.95


def main() -> int:
    """Measure, print, and return 0 where both aims are met."""
    given = _options()
    cases = load_cases()
    scores = {OURS.name: _score(OURS, cases)}
    if given.ours:
        scores |= measured(cases)
    else:
        scores |= {tool.name: _score(tool, cases) for tool in OTHERS}
    if given.write:
        if not given.ours:
            save(scores)
        PAGE.write_text(page(scores), encoding="utf-8")
        shrink(scores[OURS.name])
    print(tables(scores))
    if given.alarms:
        _print_alarms(scores)
    return _verdict(scores[OURS.name])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--ours", action="store_true", help="run ours alone, and take the others from the last time"
    )
    parser.add_argument("--write", action="store_true", help="bring the page up to date")
    parser.add_argument(
        "--alarms", action="store_true", help="say what is reported that is fine, by whom"
    )
    return parser.parse_args()


def _score(tool: Tool, cases: tuple[Case, ...]) -> Score:
    total = len(tool.claims(cases))

    def tick(done: int) -> None:
        end = "\n" if done == total else ""
        print(f"\r  … {tool.name}: {done} of {total}", end=end, file=sys.stderr, flush=True)

    return tool.score(cases, tick)


def _print_alarms(scores: dict[str, Score]) -> None:
    print("## Reported, and fine\n")
    for name, score in scores.items():
        for item in score.verdicts:
            for alarm in item.alarms:
                line = "" if alarm.line is None else f":{alarm.line}"
                print(f"- {name}: {alarm.path}{line} {alarm.code} {alarm.message}")
    print()


def _verdict(ours: Score) -> int:
    met = (ours.recall or 0) >= AIM and not ours.alarmed
    print(
        f"{OURS.name}: {ours.found} of {ours.mistakes} mistakes found ({100 * (ours.recall or 0):.1f} %; aim {AIM:.0%}),"
        f" {ours.alarmed} false alarms on {ours.look_alikes} look-alikes (aim 0): {'met' if met else 'missed'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
