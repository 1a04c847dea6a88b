"""HF901: the question to the editor has no deadline, so an article can wait for ever."""

from dataclasses import dataclass

from holdfast import activity, workflow


@dataclass(frozen=True)
class Decision:
    approved: bool


@activity.define
async def publish(article: str) -> str: ...


@workflow.define
async def article(text: str) -> str:
    decision = await workflow.approval(  # mistake: HF901
        "publish", ask="Publish this article?", to=["editor"], answer=Decision, shows=text
    )
    return await publish(text) if decision.approved else "not published"
