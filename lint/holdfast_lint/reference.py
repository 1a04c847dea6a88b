"""The reference page of all rules, written from the rules themselves."""

from collections.abc import Iterator

from holdfast_lint.rule import Rule
from holdfast_lint.rulebook import load_rules

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
It starts at every function with `@workflow.define`, follows calls across modules, and stops at activities: their bodies may do anything.
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
    lines = [INTRODUCTION, "## Rules\n", "| Code | Name | Severity |", "|---|---|---|"]
    rules = load_rules()
    lines.extend(
        f"| [{rule.code}](#{_anchor(rule)}) | {rule.name} | {rule.severity} |" for rule in rules
    )
    lines.append("")
    for digit, title in GROUPS.items():
        lines.append(f"## {title}\n")
        for rule in rules:
            if rule.code[2] == digit:
                lines.extend(_section(rule))
    return "\n".join(lines).rstrip() + "\n"


def _anchor(rule: Rule) -> str:
    return f"{rule.code}-{rule.name}".lower()


def _section(rule: Rule) -> Iterator[str]:
    yield f"### {rule.code} {rule.name}\n"
    yield f"{rule.what}\n"
    yield f"{rule.why}\n"
    yield f"Wrong:\n\n```python\n{rule.bad[0].strip()}\n```\n"
    yield f"Right:\n\n```python\n{rule.good[0].strip()}\n```\n"


if __name__ == "__main__":
    print(render_reference(), end="")  # noqa: T201 - the page is the output
