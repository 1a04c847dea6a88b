"""From what a form sent to a recorded decision, or to the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from holdfast.client import ApprovalSummary
from holdfast.errors import ApprovalError, ArgumentError, PayloadError
from holdfast_dashboard.forms import filled, parse
from holdfast_dashboard.model import Asked, Question, run_url
from holdfast_dashboard.reading import Reader

_NO_NAME = "Write your name: the history records who decided."


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPage:
    """Be the content of an approval's page; `error` says why what was sent was not recorded.

    `late` means that somebody else had decided before.
    """

    now: int
    question: Question
    decided: ApprovalSummary | None = None
    by: str = ""
    by_error: str = ""
    comment: str = ""
    error: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Say what to answer: an HTTP status, with a page unless it leads elsewhere."""

    status: int
    url: str = ""
    page: ApprovalPage | None = None


def page_of(asked: Asked) -> ApprovalPage:
    """Return the page of an approval: its form, or its decision."""
    decided = asked.approval if asked.approval.state != "open" else None
    return ApprovalPage(now=asked.now, question=asked.question, decided=decided)


async def decide(reader: Reader, run_id: str, seq: int, given: Mapping[str, str]) -> Outcome:
    """Record the decision that a form holds; nothing is recorded twice."""
    asked = await reader.asked(run_id, seq)
    if asked.approval.state != "open":
        return Outcome(status=409, page=replace(page_of(asked), late=True))
    answer = parse(asked.question.fields, given)
    by = given.get("by", "").strip()
    if answer.errors or not by:
        return Outcome(status=422, page=_again(asked, given, errors=answer.errors))
    try:
        await reader.client.decide(
            run_id,
            asked.approval.name,
            answer.value,
            by=by,
            comment=_comment(answer.value, given),
            seq=seq,
            saw=given.get("saw", ""),
        )
    except (ApprovalError, ArgumentError, PayloadError) as error:
        return await _refused(reader, asked, given, error.message)
    return Outcome(status=303, url=run_url(run_id))


async def _refused(
    reader: Reader, asked: Asked, given: Mapping[str, str], sentence: str
) -> Outcome:
    """Tell an answer that does not fit from a decision that somebody else was quicker with."""
    now = await reader.asked(asked.approval.run_id, asked.approval.seq)
    if now.approval.state != "open":
        return Outcome(status=409, page=replace(page_of(now), late=True))
    return Outcome(status=422, page=replace(_again(now, given, errors={}), error=sentence))


def _again(asked: Asked, given: Mapping[str, str], *, errors: Mapping[str, str]) -> ApprovalPage:
    by = given.get("by", "").strip()
    fields = filled(asked.question.fields, given, errors)
    return ApprovalPage(
        now=asked.now,
        question=replace(asked.question, fields=fields),
        by=by,
        by_error="" if by else _NO_NAME,
        comment=given.get("comment", ""),
        error="Nothing was recorded yet: please look at the marked fields.",
    )


def _comment(answer: Any, given: Mapping[str, str]) -> str:
    """Return the comment for the record: an answer that has its own is not asked for a second one."""
    own = answer.get("comment") if isinstance(answer, dict) else None
    return own if isinstance(own, str) else given.get("comment", "").strip()
