"""An open question as `holdfast inbox` prints it."""

import json
from dataclasses import asdict
from typing import Any

from holdfast._questions import SHORT
from holdfast.client import ApprovalSummary

_LONGEST = 400


def lines_of(approval: ApprovalSummary) -> list[str]:
    """Return the lines of a question: what is asked of whom, what it is about, and the digest to give back."""
    state = [f"asked of {', '.join(approval.to) or 'nobody'}"]
    if approval.quorum > 1:
        voters = "".join(f" {vote.by}" for vote in approval.votes)
        state.append(f"{len(approval.votes)} of {approval.quorum} answered{voters and ':'}{voters}")
    if approval.reminders:
        state.append(
            "reminded once" if approval.reminders == 1 else f"reminded {approval.reminders} times"
        )
    if approval.escalated_at is not None:
        state.append("escalated")
    lines = [
        f"{approval.run_id:<28} {approval.name:<20} {approval.ask} ({', '.join(state)})",
        f"  digest: {approval.digest[:SHORT]}",
    ]
    if approval.shows is not None:
        lines.append(f"  shows: {_cut(json.dumps(approval.shows, ensure_ascii=False))}")
    if approval.note:
        lines.append(f"  {approval.note}")
    return lines


def to_json(approval: ApprovalSummary) -> dict[str, Any]:
    """Return a question as one JSON row."""
    return {"schema_version": 1, **asdict(approval)}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
