from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from rates_cache import cache


@activity.defn
async def fetch_rate(currency: str) -> float:
    return 1.0 + len(currency) / 10


@workflow.defn
class Convert:
    @workflow.run
    async def run(self, cents: int, currency: str) -> int:
        rate = cache.known(currency)
        if rate is None:
            rate = await workflow.execute_activity(
                fetch_rate, currency, start_to_close_timeout=timedelta(minutes=1)
            )
            cache.remember(currency, rate)
        return round(cents * rate)
