"""HF721 or HF725: the method that runs the workflow is not `async`, and the class is refused."""

from temporalio import workflow


@workflow.defn
class Total:
    @workflow.run
    def run(self, cents: list[int]) -> int:  # mistake: HF721 or HF725
        return sum(cents)
