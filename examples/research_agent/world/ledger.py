"""What really happened outside: an append-only journal per process, and how to read them."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that reached a service; `effect` is false for a read, repeat or refusal."""

    service: str
    operation: str
    key: str | None = None
    effect: bool = False
    status: int = 200
    cost: Decimal = Decimal(0)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    body: dict[str, Any] = field(default_factory=dict)

    def to_line(self) -> bytes:
        """Encode the entry as one JSON line."""
        values = asdict(self) | {"cost": str(self.cost), "time": self.time.isoformat()}
        return json.dumps(values).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Entry":
        """Decode what `to_line` wrote."""
        values = json.loads(line)
        values["cost"] = Decimal(values["cost"])
        values["time"] = datetime.fromisoformat(values["time"])
        return cls(**values)


class Journal:
    """Keeps entries on disk before anybody hears of them, and finds a key's first effect."""

    def __init__(self, path: Path) -> None:
        entries, whole = _read_whole_lines(path)
        self._effects: list[Entry] = []
        self._first: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            self._remember(entry)
        self._file = path.open("ab", buffering=0)
        self._file.truncate(whole)  # a killed process may have left half a line

    def find(self, service: str, key: str | None) -> Entry | None:
        """Return the entry of the effect that this key had before."""
        return self._first.get((service, key)) if key else None

    def record(self, entry: Entry) -> Entry:
        """Append an entry durably; reply to the client only after this."""
        self._file.write(entry.to_line())
        os.fsync(self._file.fileno())
        self._remember(entry)
        return entry

    def list_effects(self, service: str) -> list[Entry]:
        """Return the effects of one service, oldest first."""
        return [entry for entry in self._effects if entry.service == service]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _remember(self, entry: Entry) -> None:
        if entry.effect:
            self._effects.append(entry)
            if entry.key:
                self._first.setdefault((entry.service, entry.key), entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Every effect on the outside world, counted."""

    entries: tuple[Entry, ...]
    pdfs: int

    @property
    def mails(self) -> int:
        """Count the mails delivered into a mailbox."""
        return self._count_effects("smtp")

    @property
    def crm_rows(self) -> int:
        """Count the notes in the CRM."""
        return self._count_effects("crm")

    @property
    def paid_calls(self) -> int:
        """Count the calls that the language model charged for."""
        return self._count_effects("llm")

    @property
    def cost(self) -> Decimal:
        """Add up what was charged, in EUR."""
        return sum((entry.cost for entry in self.entries), Decimal(0))

    @property
    def calls(self) -> dict[str, int]:
        """Count the requests that reached each service, whatever came of them."""
        return dict(sorted(Counter(entry.service for entry in self.entries).items()))

    def table(self) -> str:
        """Render the counts as plain text."""
        lines = ["service   calls  effects  repeats  refused   cost EUR"]
        for service, calls in self.calls.items():
            mine = [entry for entry in self.entries if entry.service == service]
            effects = self._count_effects(service)
            repeats = sum(_is_repeat(entry) for entry in mine)
            refused = sum(_is_refusal(entry) for entry in mine)
            cost = sum((entry.cost for entry in mine), Decimal(0))
            lines.append(
                f"{service:<8} {calls:>6} {effects:>8} {repeats:>8} {refused:>8} {cost:>10.6f}"
            )
        lines.append(
            f"mails {self.mails}, CRM rows {self.crm_rows}, PDFs {self.pdfs}, "
            f"paid calls {self.paid_calls}, cost EUR {self.cost:.6f}"
        )
        return "\n".join(lines)

    def _count_effects(self, service: str) -> int:
        return sum(entry.effect for entry in self.entries if entry.service == service)


def read_ledger(directory: Path) -> Ledger:
    """Read everything that the world kept in its folder; safe while the world is running."""
    entries = [e for path in directory.glob("*.jsonl") for e in _read_whole_lines(path)[0]]
    entries.sort(key=lambda entry: entry.time)
    return Ledger(entries=tuple(entries), pdfs=len(list(directory.glob("outbox/*.pdf"))))


def _is_refusal(entry: Entry) -> bool:
    return entry.status >= 400  # noqa: PLR2004 (HTTP and SMTP agree here)


def _is_repeat(entry: Entry) -> bool:
    return entry.key is not None and not entry.effect and not _is_refusal(entry)


def _read_whole_lines(path: Path) -> tuple[list[Entry], int]:
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    return [Entry.from_line(line) for line in content[:whole].splitlines()], whole
