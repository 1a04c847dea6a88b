"""`holdfast lint`."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

CLEAN, FOUND, UNUSABLE = 0, 1, 2
# What a shell reports of a program that stops because nobody reads its output any more.
STOPPED = 141


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to write the findings.",
)
@click.option("--select", default="", metavar="CODES", help="Report these only, such as HF101,HF2.")
@click.option("--ignore", default="", metavar="CODES", help="Leave these out.")
@click.option(
    "--statistics", is_flag=True, help="Count the findings per rule instead of showing them."
)
@click.pass_context
def lint(
    context: click.Context,
    *,
    paths: tuple[Path, ...],
    output: str,
    select: str,
    ignore: str,
    statistics: bool,
) -> None:
    """Find work that does not belong into a workflow.

    Checks the Python files at PATHS, and the modules that their workflows reach, without importing them. Exits with 0
    when nothing is found, 1 when something is, and 2 when something could not be checked.
    """
    # The analysis brings libcst, which takes longer to load than `holdfast --help` should take.
    from holdfast_lint.api import check_paths
    from holdfast_lint.diagnostic import LintError
    from holdfast_lint.report.structured import render_json
    from holdfast_lint.report.text import render_statistics, render_text, summarise

    try:
        report = check_paths(paths, select=_codes(select), ignore=_codes(ignore))
    except LintError as error:
        click.echo(f"holdfast lint: {error}", err=True)
        context.exit(UNUSABLE)
    if output == "json":
        text = render_json(report)
    elif statistics:
        text = render_statistics(report)
    else:
        text = render_text(report, colour=_wants_colour())
    try:
        _write(text)
    except OSError as error:
        _let_go(sys.stdout)
        if isinstance(error, BrokenPipeError):
            context.exit(STOPPED)
        click.echo(f"holdfast lint: the findings cannot be written: {error.strerror}", err=True)
        context.exit(UNUSABLE)
    click.echo(summarise(report), err=True)
    if report.coverage.files and not report.coverage.workflows:
        click.echo(
            "no workflow was found: nothing here has the decorator `@workflow.define`", err=True
        )
    context.exit(UNUSABLE if report.problems else FOUND if report.failing else CLEAN)


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code.strip().upper() for code in text.split(",") if code.strip())


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _write(text: str) -> None:
    """Write to standard output, whatever its encoding can show."""
    encoding = sys.stdout.encoding or "utf-8"
    shown = text.replace("→", "->") if "→".encode(encoding, "ignore") == b"" else text
    click.echo(shown.encode(encoding, "backslashreplace").decode(encoding), nl=False, color=True)


def _let_go(stream: TextIO) -> None:
    """Send what is left in a stream nowhere, so that the interpreter does not fail over it once more as it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
