"""HF601: progress is printed, once more on every replay."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def import_page(number: int) -> int:
    return number * 100


@workflow.defn
class ImportPages:
    @workflow.run
    async def run(self, pages: int) -> int:
        rows = 0
        for number in range(pages):
            rows += await workflow.execute_activity(
                import_page, number, start_to_close_timeout=timedelta(minutes=5)
            )
            print(f"page {number + 1} of {pages}: {rows} rows so far")  # mistake: HF601
        return rows
