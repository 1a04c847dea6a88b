from temporalio import activity, workflow

from options_from_a_constant.options import QUICK, slow


@activity.defn
async def parse(text: str) -> list[str]:
    return text.split()


@activity.defn
async def train(words: list[str]) -> str:
    return f"model of {len(words)}"


@workflow.defn
class Train:
    @workflow.run
    async def run(self, text: str) -> str:
        words = await workflow.execute_activity(parse, text, **QUICK)
        return await workflow.execute_activity(train, words, **slow("gpu"))
