"""Fine (HF715): the exceptions fail the run, because they are failures or are declared to be."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError


class OutOfStockError(Exception):
    """Say that there is none left."""


class InvalidOrderError(ApplicationError):
    """Say that the order makes no sense."""


@activity.defn
async def stock(article: str) -> int:
    return len(article)


@workflow.defn(failure_exception_types=[OutOfStockError])
class Order:
    @workflow.run
    async def run(self, article: str, pieces: int) -> int:
        if pieces < 1:
            raise InvalidOrderError("order at least one", non_retryable=True)
        left = await workflow.execute_activity(
            stock, article, start_to_close_timeout=timedelta(minutes=1)
        )
        if left < pieces:
            raise OutOfStockError(article)
        return left - pieces
