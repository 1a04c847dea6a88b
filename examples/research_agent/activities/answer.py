"""The one paid call: ask a language model for an answer that cites its sources."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from holdfast import Retry, activity
from research_agent.activities.calls import ServiceError, post_json
from research_agent.model import Draft, Fact, Passage, Source, Usage
from research_agent.settings import load_settings

PATIENCE = timedelta(seconds=90)
RULES = (
    "You write reports for customers. Use nothing but the numbered sources. "
    "Cite every statement with the number of its source, such as [1]. "
    "Say plainly what the sources do not answer."
)


@activity.define(
    timeout=timedelta(minutes=2),
    retry=Retry(initial=timedelta(seconds=2), max_interval=timedelta(minutes=2)),
    effect="idempotent",
)
async def synthesise(question: str, passages: list[Passage], facts: list[Fact]) -> Draft:
    """Have the model answer from the passages and facts; a repeated call is paid once."""
    settings, sources = load_settings(), number_sources(passages, facts)
    reply = await post_json(
        f"{settings.openai_base_url}/chat/completions",
        {"model": settings.openai_model, "messages": _compose(question, sources)},
        idempotency_key=activity.idempotency_key(),
        bearer=settings.openai_api_key,
        timeout=PATIENCE,
    )
    return _read_draft(question, sources, reply)


def number_sources(passages: Sequence[Passage], facts: Sequence[Fact]) -> tuple[Source, ...]:
    """Give every passage and fact the number by which the answer cites it."""
    found = [
        *((passage.title, passage.source, passage.excerpt) for passage in passages),
        *((fact.title, fact.source, fact.text) for fact in facts),
    ]
    return tuple(
        Source(number=number, title=title, origin=origin, excerpt=excerpt)
        for number, (title, origin, excerpt) in enumerate(found, start=1)
    )


def _compose(question: str, sources: Sequence[Source]) -> list[dict[str, str]]:
    listing = "\n\n".join(
        f"[{source.number}] {source.title} ({source.origin})\n{source.excerpt}"
        for source in sources
    )
    return [
        {"role": "system", "content": RULES},
        {"role": "user", "content": f"Question: {question}\n\nSources:\n\n{listing}"},
    ]


def _read_draft(question: str, sources: tuple[Source, ...], reply: dict[str, Any]) -> Draft:
    try:
        answer = reply["choices"][0]["message"]["content"]
        usage = Usage(
            model=reply["model"],
            input_tokens=reply["usage"]["prompt_tokens"],
            output_tokens=reply["usage"]["completion_tokens"],
        )
        written_at = datetime.fromtimestamp(reply["created"], UTC)
    except (KeyError, IndexError, TypeError) as error:
        raise ServiceError(f"The language model's reply has no {error}.") from error
    if not answer:
        raise ServiceError("The language model answered with no text.")
    return Draft(
        question=question, answer=answer, sources=sources, usage=usage, written_at=written_at
    )
