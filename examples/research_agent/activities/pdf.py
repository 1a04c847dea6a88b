"""The report as a PDF: rendered page by page, and visible only when it is whole."""

import hashlib
import os
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from fpdf import FPDF

from holdfast import activity
from research_agent.model import Draft, PdfFile, Source
from research_agent.settings import load_settings

SOURCES_PER_PAGE = 3
LINE_HEIGHT = 6
TYPOGRAPHY = str.maketrans(
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{BULLET}": "-",
        "\N{EURO SIGN}": "EUR",
        "\N{NO-BREAK SPACE}": " ",
        "\t": "    ",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What goes on one page; a long one continues on the next."""

    heading: str
    paragraphs: tuple[str, ...]


@activity.define(timeout=timedelta(minutes=5), effect="idempotent")
def render_pdf(draft: Draft) -> PdfFile:
    """Render the draft to a file that is there whole or not at all."""
    settings = load_settings()
    settings.outbox.mkdir(parents=True, exist_ok=True)
    target = settings.outbox / f"report-{_digest(activity.idempotency_key().encode())[:16]}.pdf"
    with _replacing(target) as part:
        pdf = _open_document(draft)
        for sheet in lay_out(draft):
            _draw(pdf, sheet)
            activity.heartbeat(f"page {pdf.page_no()}")
            time.sleep(settings.page_delay.total_seconds())
        content = bytes(pdf.output())
        part.write(content)
    return PdfFile(path=str(target), sha256=_digest(content), pages=pdf.page_no())


def lay_out(draft: Draft) -> list[Sheet]:
    """Divide the draft into sheets: the question, the answer, the sources."""
    about = (
        draft.question,
        f"Answered on {draft.written_at:%Y-%m-%d} by {draft.usage.model}.",
        f"The answer rests on {len(draft.sources)} sources, listed at the end.",
    )
    answer = tuple(part for part in draft.answer.split("\n\n") if part.strip())
    groups = range(0, len(draft.sources), SOURCES_PER_PAGE)
    return [
        Sheet(heading="Report", paragraphs=about),
        Sheet(heading="Answer", paragraphs=answer),
        *(_list_sources(draft.sources[start : start + SOURCES_PER_PAGE]) for start in groups),
    ]


def to_latin(text: str) -> str:
    """Write text in Latin-1, the letters that every PDF reader brings along."""
    return "".join(map(_to_latin, text.translate(TYPOGRAPHY)))


def _to_latin(letter: str) -> str:
    if letter != "\n" and unicodedata.category(letter).startswith("C"):
        return ""
    decomposed = unicodedata.normalize("NFKD", letter)
    for candidate in (letter, decomposed.encode("ascii", "ignore").decode()):
        if candidate and candidate.encode("latin-1", "ignore"):
            return candidate
    return "" if unicodedata.combining(letter) else "?"


def _list_sources(sources: tuple[Source, ...]) -> Sheet:
    entries = (f"[{each.number}] {each.title}\n{each.origin}\n{each.excerpt}" for each in sources)
    return Sheet(heading="Sources", paragraphs=tuple(entries))


def _open_document(draft: Draft) -> FPDF:
    pdf = FPDF()
    pdf.set_creation_date(draft.written_at)  # the same draft gives the same bytes
    pdf.set_title(to_latin(draft.question))
    pdf.set_auto_page_break(auto=True, margin=20)
    return pdf


def _draw(pdf: FPDF, sheet: Sheet) -> None:
    pdf.add_page()
    pdf.set_font("Helvetica", style="B", size=18)
    pdf.cell(text=to_latin(sheet.heading), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=11)
    for paragraph in sheet.paragraphs:
        pdf.ln(LINE_HEIGHT / 2)
        pdf.multi_cell(
            0, LINE_HEIGHT, to_latin(paragraph), align="L", new_x="LMARGIN", new_y="NEXT"
        )


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Open a part file that takes the target's name at the end, in one step."""
    for leftover in target.parent.glob(f"{target.stem}-*.part"):
        leftover.unlink(missing_ok=True)  # of an attempt that was killed
    handle, name = tempfile.mkstemp(prefix=f"{target.stem}-", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as part:
            yield part
            part.flush()
            os.fsync(part.fileno())
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
