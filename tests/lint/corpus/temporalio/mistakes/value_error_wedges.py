"""HF715: a `ValueError` does not fail the run, it makes its task fail and be tried for ever."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def ship(order: str, pieces: int) -> None:
    activity.logger.info("%s: %s pieces", order, pieces)


@workflow.defn
class Ship:
    @workflow.run
    async def run(self, order: str, pieces: int) -> None:
        if pieces < 100:
            raise ValueError(f"{order}: ships in lots of at least 100")  # mistake: HF715
        await workflow.execute_activity(
            ship, args=[order, pieces], start_to_close_timeout=timedelta(minutes=1)
        )
