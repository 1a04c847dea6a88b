"""The page of a rule: Markdown that is its reference, and whose code blocks are its tests."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from holdfast_lint.diagnostic import SEVERITIES, Severity

HEADER = re.compile(r"\+\+\+\n(?P<head>.*?)\n\+\+\+\n(?P<body>.*)", re.DOTALL)
BLOCK = re.compile(r"^```python *(?P<marks>[^\n]*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
SECTION = re.compile(r"^## (Wrong|Right)\n", re.MULTILINE)
MAIN = "flow.py"


class PageError(ValueError):
    """Say what a rule page lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Be one example: the files of a small project, and what the fix of the rule makes of `flow.py`."""

    files: Mapping[str, str]
    fixed: str | None = None
    safely: bool = True

    @property
    def code(self) -> str:
        """Give the file that shows the point."""
        return self.files[MAIN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Be a page; `finds` is the message of a rule that the effect tables describe.

    A rule that is not on by `default` is looked for where it is selected.
    """

    code: str
    name: str
    severity: Severity
    finds: str | None
    what: str
    why: str
    wrong: tuple[Case, ...]
    right: tuple[Case, ...]
    text: str
    default: bool = True


def read_page(text: str) -> Page:
    """Read a page.

    A block marked `file=app/clock.py` is part of the case that the next block without a mark completes. One marked
    `fixed`, or `fixed unsafe`, is what `--fix`, or `--unsafe-fixes`, makes of the block before it.

    Raises:
        PageError: if a part is missing or a block carries an unknown mark.
    """
    match = HEADER.fullmatch(text)
    if match is None:
        raise PageError(
            "a rule page starts with its code, name and severity between two lines `+++`"
        )
    head = tomllib.loads(match["head"])
    prose, *sections = SECTION.split(match["body"])
    cases = {
        title: tuple(_cases(body))
        for title, body in zip(sections[::2], sections[1::2], strict=True)
    }
    paragraphs = [part.strip() for part in prose.strip().split("\n\n")]
    if len(paragraphs) < 2 or not cases.get("Wrong") or not cases.get("Right"):  # noqa: PLR2004 - what and why
        raise PageError(
            "a rule page says what it finds, why, `## Wrong` with code and `## Right` with code"
        )
    return Page(
        code=_text(head, "code"),
        name=_text(head, "name"),
        severity=_severity(_text(head, "severity")),
        finds=_text(head, "finds") if "finds" in head else None,
        what=paragraphs[0],
        why="\n\n".join(paragraphs[1:]),
        wrong=cases["Wrong"],
        right=cases["Right"],
        text=match["body"].strip() + "\n",
        default=_default(head.get("default", True)),
    )


@dataclass(slots=True)
class _Reading:
    """Gather the blocks of one case."""

    files: dict[str, str] = field(default_factory=dict)
    done: Case | None = None


def _cases(body: str) -> Iterator[Case]:
    reading = _Reading()
    for match in BLOCK.finditer(body):
        marks, code = match["marks"].split(), match["code"]
        if (
            marks[:1] == ["fixed"]
            and set(marks) <= {"fixed", "unsafe"}
            and reading.done is not None
        ):
            yield Case(files=reading.done.files, fixed=code, safely="unsafe" not in marks)
            reading.done = None
            continue
        if reading.done is not None:
            yield reading.done
            reading.done = None
        if not marks:
            reading.done = Case(files={**reading.files, MAIN: code})
            reading.files = {}
        elif len(marks) == 1 and marks[0].startswith("file="):
            reading.files[marks[0].removeprefix("file=")] = code
        else:
            raise PageError(f"unknown marks on a block of a rule page: {match['marks']!r}")
    if reading.done is not None:
        yield reading.done


def _text(head: Mapping[str, Any], key: str) -> str:
    value = head.get(key)
    if not isinstance(value, str):
        raise PageError(f"the head of a rule page lacks the text {key!r}")
    return value


def _default(value: object) -> bool:
    if not isinstance(value, bool):
        raise PageError(f"`default` in the head of a rule page is `true` or `false`, not {value!r}")
    return value


def _severity(text: str) -> Severity:
    if text not in SEVERITIES:
        raise PageError(f"{text!r} is no severity; they are {', '.join(sorted(SEVERITIES))}")
    return cast("Severity", text)
