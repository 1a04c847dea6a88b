"""The reference page of all rules, written from the rules themselves."""

from importlib.resources import files

from holdfast_lint.explain import default_of, fixability
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
    "8": "Versions",
    "9": "People, money, secrets, sizes, and the checker itself",
}


def render_reference() -> str:
    """Write the whole page as Markdown."""
    introduction = files("holdfast_lint").joinpath("introduction.md").read_text(encoding="utf-8")
    lines = [introduction, "## Rules\n"]
    for digit, title in GROUPS.items():
        lines.extend(
            [
                f"### {title}\n",
                "| Code | Name | Severity | Default | Fix | Finds |",
                "|---|---|---|---|---|---|",
            ]
        )
        lines.extend(_row(rule) for rule in load_rules() if rule.code[2] == digit)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(rule: Rule) -> str:
    what = rule.page.what.replace("\n", " ").replace("|", "\\|")
    return f"| [{rule.code}]({FOLDER}/{rule.file}) | {rule.name} | {rule.severity} | {default_of(rule.page)} | {fixability(rule.page) or ''} | {what} |"


if __name__ == "__main__":
    print(render_reference(), end="")  # noqa: T201 - the page is the output
