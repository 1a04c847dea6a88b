"""HF112: a generator that was made when the module was loaded is at another place in each process."""

import random

from holdfast import activity, workflow

_dice = random.Random()


@activity.define
async def show(user: str, banner: str) -> None: ...


@workflow.define
async def campaign(user: str, banners: list[str]) -> str:
    banner = _dice.choice(banners)  # mistake: HF112
    await show(user, banner)
    return banner
