import random


def spread(shards: list[str]) -> list[str]:
    spread_out = list(shards)
    random.shuffle(spread_out)  # mistake: HF111
    return spread_out
