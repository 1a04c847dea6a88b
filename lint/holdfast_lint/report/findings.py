"""What several formats say of a finding."""

from collections.abc import Sequence

from holdfast_lint.diagnostic import Diagnostic, Hop, Sink, SinkKind


def path_of(chain: Sequence[Hop]) -> str:
    """Name every function from the workflow to the finding."""
    steps = (f"{hop.function} ({hop.path}:{hop.line})" for hop in chain)
    return "workflow " + " → ".join(steps)


def details(item: Diagnostic) -> list[str]:
    """Say in lines of text how the finding is reached, and what to do."""
    lines = [f"path: {path_of(item.chain)}"] if item.chain else []
    if item.sinks:
        lines.append(f"value: {_sink(item.sinks[0])}")
    if item.other_workflows:
        lines.append(f"also reached from {counted(item.other_workflows, 'other workflow')}")
    lines.append(f"help: {item.advice}")
    if item.fix is not None:
        lines.append(f"fix: {item.fix.title}{'' if item.fix.safe else ' (unsafe)'}")
    return lines


def counted(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


WORDS: dict[SinkKind, str] = {
    "identity": "it names {what}",
    "control": "it decides whether {what} runs",
    "argument": "it is handed to {what}",
    "state": "it is kept in the state of the workflow",
    "unknown": "it is handed to {what}, which the checker cannot follow",
    "result": "it is part of the result",
    "log": "it is only shown",
    "unused": "it is not used",
}


def _sink(sink: Sink) -> str:
    what = f"`{sink.what}`" if sink.what else "what follows"
    return f"{WORDS[sink.kind].format(what=what)} ({sink.path}:{sink.span.line})"
