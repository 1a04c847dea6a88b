"""Fine (HF401): enumerations, dictionaries and their views keep the order in which they were made."""

from datetime import timedelta
from enum import StrEnum

from temporalio import activity, workflow


class Language(StrEnum):
    ENGLISH = "en"
    FRENCH = "fr"


@activity.defn
async def translate(text: str, language: str) -> str:
    return f"{language}: {text}"


@workflow.defn
class Translate:
    @workflow.run
    async def run(self, texts: dict[str, str]) -> dict[str, str]:
        done: dict[str, str] = {}
        for name, text in texts.items():
            for language in Language:
                done[f"{name}.{language}"] = await workflow.execute_activity(
                    translate, args=[text, language], start_to_close_timeout=timedelta(minutes=1)
                )
        last = list(dict.fromkeys(texts.values())).pop()
        workflow.logger.info("the last of %s was %s", len(done), last)
        return done
