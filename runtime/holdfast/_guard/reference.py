"""The reference page of the guard, written from its table."""

from collections.abc import Iterator

from holdfast._guard.refusing import spelled
from holdfast._guard.table import PASSED, RULES, SHARED_DRAWS, Call, functions, methods

_INTRODUCTION = """\
# Calls that are refused inside a workflow

<!-- Written by `python -m holdfast._guard.reference > docs/reference/guard.md`. -->

While a worker applies an event to workflow code, the calls below raise `ForbiddenCallError`, in the workflow and in the libraries that it calls.
Nothing of that turn is recorded, also when the code catches the error, and the run is held until other code comes.
In a simulation and in a replay the same happens, so a test finds it first; [the linter](lint.md) finds most without running anything.

Everywhere else, in activities, in other threads and in the worker itself, the calls do what they always did.
The guard is put in place when a process applies its first event, so a program that only starts runs is left as it is.
It changes the functions where they are: `from time import time` and `default_factory=datetime.now` are guarded too, whenever they were written.

A workflow that must make such a call all the same says so: [how to call what a workflow must not](../how-to/call-what-a-workflow-must-not.md).

Reading and writing payloads is part of the turn: a `default_factory` or a validator that reads the clock is refused while an argument, a result, a signal or an answer is decoded, with the name of the field.
`workflow.now` and `workflow.uuid4` may stand there, for models that only workflows make.
The time zone of the machine is refused as the clock is: times without a zone cannot be turned into timestamps or into other zones.
Locks work; whoever would wait for one longer than half a second is refused, such as a task that takes a lock which another task holds while it awaits.
An `RLock` is not watched, nor is a file that was opened before the turn: opening is what is refused.

Importing, logging, warnings, tracebacks, debuggers, the zones of `zoneinfo`, the catalogs of `gettext` and the help of `argparse` are at ease: what these read, they read for themselves.
So is what the interpreter calls on its own in the middle of a turn: handlers of signals, callbacks of the garbage collector, and what objects of other packages do when they go, in `__del__`, finalizers and callbacks of weak references.
In the package of the workflow such code is refused as any other, except in those handlers and callbacks of signals and the collector: nobody can tell who dropped an object.

A library in C that asks the system without asking Python is not seen, such as the random numbers of NumPy.
Awaiting something that belongs to another event loop is refused too, and so are the methods of the loop that reach outside: executors, sockets, signals, subprocesses.

"""


def render_reference() -> str:
    """Write the whole page as Markdown."""
    lines = ["## Refused\n", "| call | lint rule | instead |", "|---|---|---|"]
    for rule, about in sorted(RULES.items()):
        calls = ", ".join(dict.fromkeys(f"`{_shown(call)}`" for call in _of(rule)))
        lines.append(f"| {calls} | {rule} | {about.remedy} |")
    lines += ["", "`…` stands for arguments: with them the call takes nothing from outside, and is let through.", ""]  # fmt: skip
    lines += ["## Reported by the linter, let pass by the guard\n", "| call | why |", "|---|---|"]
    lines += [f"| `{name}` | {why} |" for name, why in sorted(PASSED.items())]
    return _INTRODUCTION + "\n".join(lines) + "\n"


def _of(rule: str) -> Iterator[Call]:
    known = (*functions(), *methods(), *(Call(f"random.{n}", "HF111", "") for n in SHARED_DRAWS))
    return (call for call in known if call.rule == rule)


def _shown(call: Call) -> str:
    return f"{spelled(call.name)}{call.harmless.refused if call.harmless else ''}"


if __name__ == "__main__":
    print(render_reference(), end="")  # noqa: T201 - the page is the output
