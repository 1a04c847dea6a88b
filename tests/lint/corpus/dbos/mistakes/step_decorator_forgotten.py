"""HF204: the docstring says the call is durable, and the decorator that would make it so is missing."""

from dbos import DBOS
from openai import OpenAI

client = OpenAI()


def summarise(text: str) -> str:
    """Summarise a text; as a step, so it is durable."""
    answer = client.chat.completions.create(  # mistake: HF204
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}]
    )
    return answer.choices[0].message.content or ""


@DBOS.workflow()
def newsletter(articles: list[str]) -> list[str]:
    return [summarise(article) for article in articles]
