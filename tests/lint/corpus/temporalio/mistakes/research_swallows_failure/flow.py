from temporalio import workflow

from research_swallows_failure.managing import ResearchManager


@workflow.defn
class Research:
    @workflow.run
    async def run(self, questions: list[str]) -> list[str]:
        return await ResearchManager().collect(questions)
