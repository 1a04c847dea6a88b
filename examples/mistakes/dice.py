"""A prize draw whose winner changes when the run is replayed."""

import random
import secrets
from random import Random

from holdfast import activity, workflow

DICE = Random(2024)


@activity.define
async def announce(winner: str, voucher: str) -> None: ...


@workflow.define
async def prize_draw(entrants: list[str]) -> str:
    shuffled = sorted(entrants, key=lambda _: random.random())  # mistake: HF111
    favourite = random.choice(shuffled)  # mistake: HF111
    if DICE.randint(1, 6) == 6:  # mistake: HF112
        favourite = shuffled[0]
    generator = random.Random()  # mistake: HF112
    bonus = generator.randint(5, 50)
    voucher = secrets.token_urlsafe(12)  # mistake: HF113
    await announce(favourite, f"{voucher}-{bonus}")
    return favourite
