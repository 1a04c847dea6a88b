"""The reference page of all rules, written from the rules themselves."""

from importlib.resources import files

from holdfast_lint import rules
from holdfast_lint.page import read_page
from holdfast_lint.rule import Rule
from holdfast_lint.rulebook import load_rules

# Where the pages stand, seen from `docs/reference/`.
FOLDER = "../../lint/holdfast_lint/rules"

GROUPS = {
    "1": "Clock, chance and identity",
    "2": "Environment and I/O",
    "3": "Concurrency and blocking",
    "4": "Order",
    "6": "Output",
    "7": "Activities and handlers",
    "9": "The checker itself",
}

INTRODUCTION = """\
# Lint rules

<!-- Written by `python -m holdfast_lint.reference > docs/reference/lint.md`. -->

`holdfast lint PATH...` finds work that does not belong into a workflow, without importing the code it checks.
It starts at every workflow, which is a function with `@workflow.define` or one of [another library](lint-dialects.md), follows calls across modules, and stops at activities: their bodies may do anything.
Each finding names the path from a workflow to the offending call.

```
holdfast lint app/
holdfast lint app/ --select HF1,HF204
holdfast lint app/ --ignore HF6 --statistics
holdfast lint app/ --format json
```

| Exit code | Meaning |
|---|---|
| 0 | nothing found; findings for information do not count |
| 1 | something found |
| 2 | a path does not exist, a file cannot be read or parsed, or the command or its configuration makes no sense |

## Suppressing a finding

```python
opened = time.time()  # holdfast: ignore[HF101] shown to people only, never stored
```

The comment stands on the line of the finding, or on the `def` line to cover a whole function.
Several codes are separated by commas.
A reason is required (HF991), and a suppression that suppresses nothing is reported (HF990).

## Configuration

```toml
[tool.holdfast.lint]
exclude = ["examples/mistakes"]
```

`exclude` holds paths and patterns relative to the `pyproject.toml`.
What it matches is skipped while a folder above it is walked, and checked when it is named on the command line.
"""


def render_reference() -> str:
    """Write the whole page as Markdown."""
    lines = [INTRODUCTION, "## Rules\n"]
    for digit, title in GROUPS.items():
        lines.extend([f"### {title}\n", "| Code | Name | Severity | Finds |", "|---|---|---|---|"])
        lines.extend(_row(rule, path) for path, rule in _paths() if rule.code[2] == digit)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _paths() -> list[tuple[str, Rule]]:
    pages = {
        read_page(entry.read_text(encoding="utf-8")).code: entry.name
        for entry in files(rules).iterdir()
        if entry.name.endswith(".md")
    }
    return [(f"{FOLDER}/{pages[rule.code]}", rule) for rule in load_rules()]


def _row(rule: Rule, path: str) -> str:
    what = rule.page.what.replace("\n", " ").replace("|", "\\|")
    return f"| [{rule.code}]({path}) | {rule.name} | {rule.severity} | {what} |"


if __name__ == "__main__":
    print(render_reference(), end="")  # noqa: T201 - the page is the output
