"""The values that travel between the workflow and its activities."""

import re
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a customer asked, and where the report goes."""

    question: str
    customer: str
    email: str
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not self.question.strip() or not self.customer.strip():
            raise ValueError("A request needs a question and the name of the customer.")
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", self.email):
            raise ValueError(f"{self.email!r} is no e-mail address.")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(f"{self.currency!r} is no currency code such as USD.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of the corpus; a higher score is a better match."""

    source: str
    title: str
    excerpt: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One sentence that an outside service told us."""

    source: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a citation such as [2] points to."""

    number: int
    title: str
    origin: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the language model counted."""

    model: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer with the sources it cites."""

    question: str
    answer: str
    sources: tuple[Source, ...]
    usage: Usage
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFile:
    """A finished PDF on disk."""

    path: str
    sha256: str
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person answered."""

    approved: bool
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the run ended; mail and CRM row are None when the report was not approved."""

    answer: str
    pdf: PdfFile
    decision: Decision
    message_id: str | None = None
    crm_row: str | None = None
