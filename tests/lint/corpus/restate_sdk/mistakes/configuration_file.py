"""HF203: the handler opens a file, which the next deployment changes under a running invocation."""

import tomllib

import restate

tariffs = restate.Service("tariffs")


def tariff(country: str) -> float:
    with open("tariffs.toml", "rb") as file:  # mistake: HF203
        return float(tomllib.load(file)[country])


@tariffs.handler()
async def duty(ctx: restate.Context, country: str) -> float:
    factor = tariff(country)
    return await ctx.run_typed("round", lambda: round(factor, 2))
