"""HF922: the access token of the customer is written to the log."""

from holdfast import activity, workflow


@activity.define
async def new_access_token(customer: str) -> str: ...


@activity.define
async def import_mail(customer: str) -> int: ...


@workflow.define
async def onboard(customer: str) -> int:
    access_token = await new_access_token(customer)  # also: HF921
    workflow.logger.info("token of %s: %s", customer, access_token)  # mistake: HF922
    return await import_mail(customer)
