from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from feature_flag_environment.settings import Settings


@activity.defn
async def score(application: str, model: str) -> int:
    return len(application) + len(model)


@workflow.defn
class Underwrite:
    def __init__(self) -> None:
        self.settings = Settings("UNDERWRITING")

    @workflow.run
    async def run(self, application: str) -> int:
        model = "v2" if self.settings.flag("NEW_MODEL") else "v1"
        return await workflow.execute_activity(
            score, args=[application, model], start_to_close_timeout=timedelta(minutes=1)
        )
