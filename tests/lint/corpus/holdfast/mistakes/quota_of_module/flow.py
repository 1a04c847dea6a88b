from holdfast import activity, workflow
from quota_of_module.quota import take


@activity.define
async def translate(text: str) -> str: ...


@workflow.define
async def translation(customer: str, text: str) -> str:
    if not take(customer):
        return text
    return await translate(text)
