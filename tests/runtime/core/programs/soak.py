"""Ten thousand random programs: `poe soak-programs`. The last line is the figure; exit code 1 on a difference."""

import argparse
import gc
import hashlib
import json
import random
import sys
import time

from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from tests.runtime.core.programs.driving import Tally, check, play
from tests.runtime.core.programs.making import Choose, Maker

from holdfast.history import body_of

_SMALL = [st.integers(0, most) for most in range(64)]


def choosing(data: st.DataObject) -> Choose:
    """Let Hypothesis make the choices, so that a program that fails shrinks."""
    return lambda most: data.draw(_SMALL[most - 1])


def soak(programs: int, start: int) -> Tally:
    """Try so many programs; the first difference is shrunk and raised."""
    tally, tried, begun = Tally(), 0, time.monotonic()

    @seed(start)
    @settings(
        max_examples=programs,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.data())
    def one(data: st.DataObject) -> None:
        nonlocal tried
        choose = choosing(data)
        code = Maker(choose).program()
        note(f"program: {json.dumps(code)}")
        check(code, choose, tally)
        gc.freeze()  # what Hypothesis keeps of each need not be looked at after the next
        tried += 1
        if tried % 500 == 0:
            took = time.monotonic() - begun
            print(
                f"{tried} programs, {tally.turns} turns, {tally.crashes} crash points, {took:.0f} s",
                flush=True,
            )

    one()
    print(f"{tried} programs, {tally.turns} turns, {tally.crashes} crash points, 0 differences")
    return tally


def digest(programs: int, start: int) -> str:
    """Return a digest of everything that so many programs did: the same in every interpreter and hash seed."""
    done = hashlib.sha256()
    for number in range(start, start + programs):
        source = random.Random(number)
        choose = source.randrange
        story = play(Maker(choose).program(), choose, Tally())
        for moment in story.moments:
            commands = [(c.kind, c.seq, c.site, body_of(c)) for c in moment.commands]
            done.update(json.dumps([commands, moment.trace]).encode())
        done.update(story.bug.encode())
    return done.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--digest", action="store_true", help="print a digest of what programs do")
    given_to = parser.parse_args()
    if given_to.digest:
        print(digest(given_to.programs, given_to.seed))
        return
    print(f"seed {given_to.seed}; again with: poe soak-programs --seed {given_to.seed}", flush=True)
    gc.collect()
    gc.freeze()  # what is loaded by now need not be looked at after each program
    try:
        soak(given_to.programs, given_to.seed)
    except AssertionError as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n")
        print("1 difference")
        sys.exit(1)


if __name__ == "__main__":
    main()
