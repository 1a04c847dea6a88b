"""The page of a rule on a terminal or for a program, without a network."""

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from holdfast_lint.page import Page
from holdfast_lint.rule import Rule

SCHEMA = 1
BLOCK = re.compile(r"```python *([^\n]*)\n(.*?)```", re.DOTALL)
INDENT = "    "
OFF = "By default this rule is off: select it by its code or its name, as in `--extend-select {}`."
FIXED = {"fixed": "Fixed with --fix:", "fixed unsafe": "Fixed with --fix --unsafe-fixes:"}

Fixability = Literal["safe", "unsafe"]


def fixability(page: Page) -> Fixability | None:
    """Tell which kind of fix a rule has; one that has both is called safe."""
    fixed = [case for case in page.wrong if case.fixed is not None]
    if not fixed:
        return None
    return "safe" if any(case.safely for case in fixed) else "unsafe"


def explain(rules: Sequence[Rule], *, width: int) -> str:
    """Write the pages one after the other, for people."""
    return ("\n" + "-" * width + "\n\n").join(_page(rule, width) for rule in rules)


def explain_json(rules: Sequence[Rule]) -> str:
    """Write one JSON document about the rules."""
    document = {"schema": SCHEMA, "rules": [_facts(rule) for rule in rules]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def list_rules(rules: Sequence[Rule]) -> str:
    """Write one line per rule: code, name, severity, and which fix there is."""
    widest = max(len(rule.name) for rule in rules)
    lines = (
        f"{rule.code}  {rule.name:<{widest}}  {rule.severity:<7}  {', '.join(filter(None, (_fix(rule), _off(rule))))}".rstrip()
        for rule in rules
    )
    return "".join(f"{line}\n" for line in lines)


def _fix(rule: Rule) -> str:
    kind = fixability(rule.page)
    return "" if kind is None else "fix" if kind == "safe" else "unsafe fix"


def _off(rule: Rule) -> str:
    return "" if rule.page.default else "off"


def default_of(page: Page) -> str:
    """Say whether a rule is on without being selected: `on` or `off`."""
    return "on" if page.default else "off"


def _facts(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "fix": fixability(rule.page),
        "default": default_of(rule.page),
        "what": rule.page.what,
        "why": rule.page.why,
        "page": rule.page.text,
    }


def _page(rule: Rule, width: int) -> str:
    kind = _fix(rule)
    title = f"{rule.code} {rule.name} ({', '.join(filter(None, (rule.severity, kind)))})"
    # An option that is broken over two lines cannot be copied.
    told = textwrap.wrap(OFF.format(rule.code), width, break_on_hyphens=False)
    off = () if rule.page.default else (*told, "")
    return "\n".join((title, "=" * len(title), "", *off, *_body(rule.page.text, width)))


def _body(text: str, width: int) -> Iterator[str]:
    """Wrap the prose, indent the code, and underline the headings."""
    place = 0
    for match in BLOCK.finditer(text):
        yield from _prose(text[place : match.start()], width)
        label = _label(match[1].strip())
        if label:
            yield from (label, "")
        yield from textwrap.indent(match[2], INDENT).splitlines()
        yield ""
        place = match.end()
    yield from _prose(text[place:], width)


def _label(marks: str) -> str:
    return f"{marks.removeprefix('file=')}:" if marks.startswith("file=") else FIXED.get(marks, "")


def _prose(text: str, width: int) -> Iterator[str]:
    for paragraph in filter(None, (part.strip() for part in text.split("\n\n"))):
        if paragraph.startswith("#"):
            heading = paragraph.lstrip("# ")
            yield from (heading, "-" * len(heading), "")
        else:
            yield from (*textwrap.wrap(" ".join(paragraph.split()), width), "")
