"""HF603 or HF601: a rich console at module level prints every line again on recovery."""

from dbos import DBOS
from rich.console import Console

console = Console()


@DBOS.step()
def rank(story: str) -> int:
    return len(story)


@DBOS.workflow()
def digest(stories: list[str]) -> list[str]:
    ranked = sorted(stories, key=rank)
    console.print(f"[bold]{len(ranked)} stories[/bold]")  # mistake: HF603 or HF601
    return ranked[:10]
