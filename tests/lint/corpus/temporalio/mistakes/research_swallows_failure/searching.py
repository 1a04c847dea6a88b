from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def search(question: str) -> str:
    return f"about {question}"


async def search_once(question: str) -> str | None:
    try:
        return await workflow.execute_activity(
            search, question, start_to_close_timeout=timedelta(minutes=1)
        )
    except Exception:  # mistake: HF713 or HF711
        return None
