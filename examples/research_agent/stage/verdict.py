"""Whether the outside world was touched exactly once, judged from its own journals."""

from collections.abc import Collection
from dataclasses import dataclass

from research_agent.world import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often something happened, and how often it should have."""

    what: str
    counted: int
    expected: int

    def __str__(self) -> str:
        mark = "ok   " if self.is_right else "WRONG"
        return f"{mark}  {self.what}: {self.counted} (expected {self.expected})"

    @property
    def is_right(self) -> bool:
        """Tell whether both are the same."""
        return self.counted == self.expected


def count_effects(
    ledger: Ledger, *, approved: bool = True, real: Collection[str] = ()
) -> list[Count]:
    """Compare the ledger with one run's due; services in `real` keep their own books."""
    sent = int(approved)
    counts = {
        "OPENAI_BASE_URL": Count(what="paid LLM calls", counted=ledger.paid_calls, expected=1),
        "": Count(what="PDFs", counted=ledger.pdfs, expected=1),
        "SMTP_HOST": Count(what="mails", counted=ledger.mails, expected=sent),
        "CRM_URL": Count(what="CRM rows", counted=ledger.crm_rows, expected=sent),
    }
    return [count for setting, count in counts.items() if setting not in real]
