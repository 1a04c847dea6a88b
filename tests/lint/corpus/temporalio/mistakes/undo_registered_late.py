"""HF914: the undo is noted after the booking, so a booking whose answer is lost is never undone."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError


@activity.defn
async def book_hotel(trip: str) -> None:
    activity.logger.info("booked for %s", trip)


@activity.defn
async def cancel_hotel(trip: str) -> None:
    activity.logger.info("cancelled for %s", trip)


@workflow.defn
class Trip:
    @workflow.run
    async def run(self, trip: str) -> None:
        compensations = []
        try:
            await workflow.execute_activity(  # also: HF914
                book_hotel, trip, start_to_close_timeout=timedelta(minutes=1)
            )
            compensations.append(cancel_hotel)  # mistake: HF914
        except ActivityError:
            for undo in reversed(compensations):
                await workflow.execute_activity(
                    undo, trip, start_to_close_timeout=timedelta(minutes=1)
                )
            raise
