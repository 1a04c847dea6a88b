"""The corpus as values: each case, the lines it marks, and how far a mark reaches.

A mistake stands in `<dialect>/mistakes/`, what only looks like one in `<dialect>/fine/`; a case is a file, or a folder
that is a package. The first words of its docstring name the rules: `HF101:` or `HF402 or HF404:` for a mistake, and
`Fine (HF101):` for a look-alike of that rule. A line ending in `# mistake: HF101` is wrong; `# also: HF124` marks a
line where a report of the same mistake would be just as right.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "corpus"
_MARKER = re.compile(r"# (mistake|also): (HF\d{3}(?: or HF\d{3})*)$")
_HEADER = re.compile(r"(Fine \()?(HF\d{3}(?: or HF\d{3})*)\)?: (\S.*)")

Place = tuple[str, int]


class CorpusError(Exception):
    """Say what is wrong with a case itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Be a marked statement: its file below the corpus, its lines, and the codes that name its mistake."""

    path: str
    lines: range
    codes: frozenset[str]

    def covers(self, place: Place) -> bool:
        """Tell whether a finding at this place is about the marked statement."""
        return place[0] == self.path and place[1] in self.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Be a mistake, or a look-alike when nothing is marked."""

    name: str
    dialect: str
    path: Path
    sentence: str
    codes: tuple[str, ...]
    marks: tuple[Mark, ...]
    alternatives: tuple[Mark, ...]

    @property
    def is_mistake(self) -> bool:
        """Tell a mistake from a look-alike."""
        return bool(self.marks)

    @property
    def family(self) -> str:
        """Return the group of its rule, such as `1xx`."""
        return f"{self.codes[0][2]}xx"

    @property
    def files(self) -> list[Path]:
        """Return its modules."""
        return [self.path] if self.path.is_file() else sorted(self.path.rglob("*.py"))


@cache
def load_cases(corpus: Path = CORPUS) -> tuple[Case, ...]:
    """Read every case, in order.

    Raises:
        CorpusError: if a case does not say what it is.
    """
    return tuple(
        _read(path, corpus=corpus)
        for kind in sorted(corpus.glob("*/*"))
        for path in sorted(kind.iterdir())
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    )


def _read(path: Path, *, corpus: Path) -> Case:
    dialect, kind, _ = path.relative_to(corpus).parts
    text = (path if path.is_file() else path / "__init__.py").read_text(encoding="utf-8")
    header = _HEADER.match(ast.get_docstring(ast.parse(text)) or "")
    if header is None or (header[1] is None) != (kind == "mistakes"):
        wanted = "'HF101: …'" if kind == "mistakes" else "'Fine (HF101): …'"
        raise CorpusError(f"{path}: its docstring must begin with {wanted}")
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    marks = {kind: tuple(_marks(files, corpus, kind)) for kind in ("mistake", "also")}
    if bool(marks["mistake"]) != (kind == "mistakes"):
        raise CorpusError(f"{path}: mistakes have a '# mistake: …' line, look-alikes have none")
    return Case(
        name=f"{dialect}/{path.stem}",
        dialect=dialect,
        path=path,
        sentence=header[3].splitlines()[0],
        codes=tuple(header[2].split(" or ")),
        marks=marks["mistake"],
        alternatives=marks["also"],
    )


def _marks(files: list[Path], corpus: Path, kind: str) -> Iterator[Mark]:
    for file in files:
        text = file.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), start=1):
            match = _MARKER.search(line)
            if match is not None and match[1] == kind:
                yield Mark(
                    path=str(file.relative_to(corpus)),
                    lines=_extent(text, number),
                    codes=frozenset(match[2].split(" or ")),
                )


def _extent(text: str, line: int) -> range:
    """Return the lines of the statement at `line`; of a compound one, the lines before its body."""
    extents = [
        extent
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt | ast.ExceptHandler) and line in (extent := _own_lines(node))
    ]
    return min(extents, key=len, default=range(line, line + 1))


def _own_lines(node: ast.stmt | ast.ExceptHandler) -> range:
    first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
    body: list[ast.stmt] = getattr(node, "body", [])
    if not body:
        return range(first, (node.end_lineno or first) + 1)
    return range(first, max(body[0].lineno, first + 1))
