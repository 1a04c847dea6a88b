"""Fine (HF712): what catches everything raises it again, whichever way it goes."""

from holdfast import ActivityError, ApplicationError, activity, workflow


@activity.define
async def charge(order: str) -> str: ...


@activity.define
async def note(order: str, text: str) -> None: ...


@workflow.define
async def pay(order: str) -> str:
    try:
        return await charge(order)
    except BaseException as error:
        if isinstance(error, ActivityError):
            raise ApplicationError(f"{order} cannot be paid") from error
        workflow.logger.warning("%s was interrupted", order)
        raise
    finally:
        workflow.publish("paid", order)
