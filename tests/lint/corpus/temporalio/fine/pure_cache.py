"""Fine (HF505): what is cached depends on nothing but its arguments; the constants of the module never change."""

from datetime import timedelta
from functools import lru_cache

from temporalio import activity, workflow

RATES = {"de": 19, "fr": 20}
TABLE: tuple[int, ...] = tuple(range(3))


@lru_cache(maxsize=None)
def tax(country: str, cents: int) -> int:
    return cents * RATES.get(country, TABLE[0]) // 100


@activity.defn
async def book(cents: int) -> None:
    activity.logger.info("%s", cents)


@workflow.defn
class Book:
    @workflow.run
    async def run(self, country: str, cents: int) -> int:
        total = cents + tax(country, cents)
        await workflow.execute_activity(book, total, start_to_close_timeout=timedelta(minutes=1))
        return total
