"""From what a form about an unknown outcome sent to a recorded decision, or to the reason why there is none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from holdfast.errors import UsageError
from holdfast_dashboard.model import UnknownPage
from holdfast_dashboard.reading import Reader

_NO_NAME = "Write your name: the record says who decided."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Say what to answer: an HTTP status, with a page unless it leads elsewhere."""

    status: int
    url: str = ""
    page: UnknownPage | None = None


async def resolve(reader: Reader, run_id: str, seq: int, given: Mapping[str, str]) -> Outcome:
    """Record what a person says became of an activity; nothing is recorded twice."""
    page = await reader.unknown(run_id, seq)
    if page.unknown.state != "attention":
        return Outcome(status=409, page=replace(page, late=True))
    by = given.get("by", "").strip()
    try:
        decision = _decision(given)
        if not by:
            return _again(page, given, "Nothing was recorded yet: please write your name.")
        await reader.client.resolve_activity(run_id, seq, by=by, **decision)
    except ValueError as error:
        return _again(page, given, f"{error} Nothing was recorded yet.")
    except UsageError as error:
        now = await reader.unknown(run_id, seq)
        if now.unknown.state != "attention":
            return Outcome(status=409, page=replace(now, late=True))
        return _again(now, given, error.message)
    return Outcome(status=303, url=page.unknown.run_url)


def _decision(given: Mapping[str, str]) -> dict[str, Any]:
    """Return what `Client.resolve_activity` is told, or raise `ValueError` saying what is missing."""
    match given.get("outcome", ""):
        case "happened":
            return {"happened": _result(given.get("result", "").strip())}
        case "retry":
            return {"retry": True}
        case "fail":
            reason = given.get("reason", "").strip()
            if not reason:
                raise ValueError("Say why it fails: the workflow gets this as the error.")
            return {"fail": reason}
        case _:
            raise ValueError("Choose what happened.")


def _result(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise ValueError(f'The result is not JSON: {error}. A text needs quotes: "done".') from None


def _again(page: UnknownPage, given: Mapping[str, str], error: str) -> Outcome:
    by = given.get("by", "").strip()
    unknown = replace(
        page.unknown,
        by=by,
        by_error="" if by else _NO_NAME,
        result=given.get("result", ""),
        reason=given.get("reason", ""),
        error=error,
    )
    return Outcome(status=422, page=replace(page, unknown=unknown))
