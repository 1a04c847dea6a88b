"""The shipping workflow of the demonstration, as deployed at first."""

from holdfast import activity, workflow


@activity.define(effect="idempotent")
def hand_over(order: str) -> str:
    """Give a parcel to the carrier."""
    return f"{order} is on its way"


@workflow.define
async def ship_order(order: str) -> str:
    """Ship an order once the warehouse has packed it."""
    packed = await workflow.approval(
        "packed", ask=f"Is {order} packed?", to=["warehouse"], answer=bool
    )
    return await hand_over(order) if packed else f"{order} was not shipped"
