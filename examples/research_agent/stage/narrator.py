"""The voice of the demonstration: one line per event, with the seconds since the beginning."""

import shutil
import textwrap
import time
from datetime import timedelta

import click

WIDEST = 100
MARGIN = 10


class Narrator:
    """Tells on standard output what happens, as it happens."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)

    @property
    def elapsed(self) -> timedelta:
        """Return the time since the beginning."""
        return timedelta(seconds=time.monotonic() - self._started)

    def open(self, title: str) -> None:
        """Say what this is about."""
        click.secho(textwrap.fill(title, self._width) + "\n", bold=True)

    def tell(self, text: str, *, loud: bool = False) -> None:
        """Say what has just happened."""
        clock = f"{self.elapsed.total_seconds():6.1f} s  "
        click.secho(self._wrap(text, first=clock), bold=loud)

    def add(self, text: str) -> None:
        """Say more about it."""
        click.echo(self._wrap(text, first=" " * MARGIN))

    def list(self, name: str, label: str, text: str) -> None:
        """Show one row of a list."""
        indent = " " * (MARGIN + 30)
        row = f"{' ' * MARGIN}{name:<13} {label:<15} {text}"
        click.echo(textwrap.fill(row, self._width, subsequent_indent=indent, drop_whitespace=True))

    def show(self, text: str) -> None:
        """Show lines as they are."""
        click.echo("\n" + textwrap.indent(text, " " * MARGIN) + "\n")

    def _wrap(self, text: str, *, first: str) -> str:
        return textwrap.fill(
            text,
            self._width,
            initial_indent=first,
            subsequent_indent=" " * MARGIN,
            break_long_words=False,
            break_on_hyphens=False,
        )
