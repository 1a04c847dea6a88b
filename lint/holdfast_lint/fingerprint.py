"""What a finding is known by although the lines around it move."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from holdfast_lint.diagnostic import Diagnostic
from holdfast_lint.module import lines_of


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Fingerprint:
    """Be the place of a finding without line numbers: file, function, code, and the text with its spaces normalised."""

    path: str
    symbol: str
    code: str
    snippet: str


def fingerprint(item: Diagnostic, sources: Mapping[str, str]) -> Fingerprint:
    """Take the fingerprint of a finding; its path is that of the report."""
    span = item.span
    lines = lines_of(sources.get(item.path, ""))[span.line - 1 : span.end_line]
    if lines:
        lines[-1] = lines[-1][: span.end_column]
        lines[0] = lines[0][span.column :]
    return Fingerprint(
        path=item.path,
        symbol=item.symbol,
        code=item.code,
        snippet=" ".join(" ".join(lines).split()),
    )


def hashes(items: Iterable[Diagnostic], sources: Mapping[str, str]) -> Iterator[str]:
    """Yield a hash for each finding; findings with the same fingerprint are told apart by their order."""
    seen: Counter[Fingerprint] = Counter()
    for item in items:
        mark = fingerprint(item, sources)
        text = "\0".join((mark.path, mark.symbol, mark.code, mark.snippet, str(seen[mark])))
        seen[mark] += 1
        yield sha256(text.encode(errors="surrogatepass")).hexdigest()
