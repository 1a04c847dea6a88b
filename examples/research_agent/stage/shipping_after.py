"""The shipping workflow of the demonstration, changed without thought for the runs in flight."""

from holdfast import activity, workflow


@activity.define(effect="pure")
def check_address(order: str) -> bool:
    """Tell whether an order can be delivered."""
    return bool(order)


@activity.define(effect="idempotent")
def hand_over(order: str) -> str:
    """Give a parcel to the carrier."""
    return f"{order} is on its way"


@workflow.define
async def ship_order(order: str) -> str:
    """Ship an order once the warehouse has packed it."""
    await check_address(order)  # new, before the step that open runs have recorded
    packed = await workflow.approval(
        "packed", ask=f"Is {order} packed?", to=["warehouse"], answer=bool
    )
    return await hand_over(order) if packed else f"{order} was not shipped"
