"""HF701: the activity is called as a plain function, so it runs inside the workflow and nothing is recorded."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def reserve_seat(flight: str) -> str:
    return f"{flight}-12A"


@activity.defn
async def issue_ticket(seat: str) -> str:
    return f"ticket {seat}"


@workflow.defn
class BookFlight:
    @workflow.run
    async def run(self, flight: str) -> str:
        seat = await reserve_seat(flight)  # mistake: HF701
        return await workflow.execute_activity(
            issue_ticket, seat, start_to_close_timeout=timedelta(minutes=1)
        )
