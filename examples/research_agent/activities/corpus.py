"""A full-text index over this repository's pages and Python's own documentation."""

import hashlib
import importlib
import inspect
import os
import platform
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from holdfast import activity
from research_agent.model import Passage
from research_agent.settings import load_settings

PASSAGES = 5
PASSAGE_LENGTH = 1200
TELLING_LENGTH = 60  # shorter docstrings only repeat the name
QUERY_WORDS = 24
MODULES = (
    "asyncio", "collections", "concurrent.futures", "contextlib", "contextvars", "csv",
    "dataclasses", "datetime", "decimal", "email.message", "enum", "functools", "hashlib",
    "heapq", "itertools", "json", "logging", "multiprocessing", "pathlib", "queue", "random",
    "re", "sched", "shutil", "signal", "smtplib", "sqlite3", "statistics", "string", "struct",
    "subprocess", "tempfile", "threading", "time", "typing", "unittest.mock", "urllib.parse",
    "uuid", "weakref", "zoneinfo",
)  # fmt: skip
STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "did",
        "do",
        "does",
        "for",
        "from",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "should",
        "so",
        "such",
        "that",
        "the",
        "their",
        "there",
        "this",
        "to",
        "use",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)

Row = tuple[str, str, str]  # source, title, excerpt


@activity.define(timeout=timedelta(minutes=1), effect="pure")
def search_corpus(question: str) -> list[Passage]:
    """Find the passages that match the question best; none is a fine answer."""
    query = to_query(question)
    if not query:
        return []
    with closing(sqlite3.connect(_index_in(load_settings().data))) as index:
        rows = index.execute(
            "SELECT source, title, excerpt, bm25(passage, 0, 3, 1) AS rank FROM passage"
            " WHERE passage MATCH ? ORDER BY rank, rowid LIMIT ?",
            (query, PASSAGES),
        ).fetchall()
    return [
        Passage(source=source, title=title, excerpt=excerpt, score=round(-rank, 3))
        for source, title, excerpt, rank in rows
    ]


def to_query(question: str) -> str:
    """Turn any text into an FTS5 query: its telling words, quoted, any of them."""
    words = dict.fromkeys(re.findall(r"[^\W_]+", question.lower()))
    telling = [word for word in words if word not in STOP_WORDS]
    return " OR ".join(f'"{word}"' for word in telling[:QUERY_WORDS])


def _index_in(data: Path) -> Path:
    pages = _find_pages()
    index = data / f"corpus-{_fingerprint(pages)}.sqlite3"
    if not index.exists():
        data.mkdir(parents=True, exist_ok=True)
        _build_index(index, pages)
    return index


def _build_index(index: Path, pages: Iterable[Path]) -> None:
    """Build aside and rename, so that two workers may build at the same time."""
    handle, aside = tempfile.mkstemp(suffix=".part", dir=index.parent)
    os.close(handle)
    try:
        with closing(sqlite3.connect(aside)) as connection, connection:
            connection.execute(
                "CREATE VIRTUAL TABLE passage"
                " USING fts5(source UNINDEXED, title, excerpt, tokenize='porter unicode61')"
            )
            rows = (*_read_pages(pages), *_read_python())
            connection.executemany("INSERT INTO passage VALUES (?, ?, ?)", rows)
        Path(aside).replace(index)
    finally:
        Path(aside).unlink(missing_ok=True)


def _find_pages() -> list[Path]:
    root = Path(__file__).resolve().parents[3]
    example = Path(__file__).resolve().parents[1] / "README.md"
    found = [root / "README.md", example, *sorted((root / "docs").rglob("*.md"))]
    return [page for page in found if page.is_file()]


def _fingerprint(pages: Iterable[Path]) -> str:
    state = [(page.name, page.stat().st_size, page.stat().st_mtime_ns) for page in pages]
    return hashlib.sha256(f"{platform.python_version()} {state}".encode()).hexdigest()[:12]


def _read_pages(pages: Iterable[Path]) -> Iterator[Row]:
    for page in pages:
        text = page.read_text(encoding="utf-8")
        name = page.name if page.name != "README.md" else f"{page.parent.name}/README.md"
        for section in re.split(r"^(?=#{1,4} )", text, flags=re.MULTILINE):
            heading, _, body = section.partition("\n")
            for excerpt in _split(body):
                yield name, heading.lstrip("# ") or page.stem, excerpt


def _read_python() -> Iterator[Row]:
    source = f"Python {platform.python_version()} documentation"
    for module in map(importlib.import_module, MODULES):
        for title, documented in _list_documented(module):
            text = inspect.getdoc(documented) or ""
            for excerpt in _split(text) if len(text) >= TELLING_LENGTH else ():
                yield source, title, excerpt


def _list_documented(module: ModuleType) -> Iterator[tuple[str, object]]:
    yield module.__name__, module
    for name in sorted(getattr(module, "__all__", None) or vars(module)):
        member = getattr(module, name)
        if name.startswith("_") or not _belongs(member, module):
            continue
        yield f"{module.__name__}.{name}", member
        for method, defined in vars(member).items() if inspect.isclass(member) else ():
            if inspect.isroutine(defined) and not method.startswith("_"):
                yield f"{module.__name__}.{name}.{method}", defined


def _belongs(member: object, module: ModuleType) -> bool:
    home = getattr(member, "__module__", None) or ""
    package = module.__name__.partition(".")[0]
    documented = inspect.isclass(member) or inspect.isroutine(member)
    return documented and home.lstrip("_").startswith(package)


def _split(text: str) -> Iterator[str]:
    """Divide text into passages at paragraph ends where possible."""
    passage = ""
    for paragraph in text.split("\n\n"):
        if passage and len(passage) + len(paragraph) > PASSAGE_LENGTH:
            yield passage
            passage = ""
        passage = f"{passage}\n\n{paragraph}".strip()
        while len(passage) > PASSAGE_LENGTH:
            yield passage[:PASSAGE_LENGTH]
            passage = passage[PASSAGE_LENGTH:]
    if passage:
        yield passage
