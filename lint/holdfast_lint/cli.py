"""`holdfast lint`: the checker, and what it says about its rules."""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

UNUSABLE = 2
# What a shell reports of a program that stops because nobody reads its output any more.
STOPPED = 141
WIDEST = 100
FORMATS = ("text", "concise", "json", "json-lines", "github", "gitlab", "sarif", "junit")


class _ChecksByDefault(click.Group):
    """Take everything that is not the name of a sub-command for something to check."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the sub-command there that people leave out."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of checking, since that is what `holdfast lint PATH` does."""
        check.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(
    cls=_ChecksByDefault,
    subcommand_metavar="PATH...",
    epilog="A path that is called like a command is written ./rule.",
)
def lint() -> None:
    """Find work that does not belong into a workflow.

    Checks the Python files at PATHS, and the modules that their workflows reach, without importing them. Exits with 0
    when nothing is found, 1 when something is, and 2 when something could not be checked.
    """


@lint.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--select", default="", metavar="RULES", help="Report these only, such as HF101,HF2.")
@click.option("--extend-select", default="", metavar="RULES", help="Report these as well.")
@click.option("--ignore", default="", metavar="RULES", help="Leave these out.")
@click.option(
    "--per-file-ignores",
    multiple=True,
    metavar="PATTERN:RULES",
    help="Leave these out in some files, such as 'scripts/*:HF6'; may be repeated.",
)
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Skip such paths; may be repeated."
)
@click.option("--fix", is_flag=True, help="Carry out safe fixes.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: unsafe fixes as well.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Leave out the findings that this file knows.",
)
@click.option(
    "--update-baseline",
    "change",
    flag_value="shrink",
    help="Forget what no longer occurs; a baseline that is not there yet learns all present findings.",
)
@click.option(
    "--add-baseline", "change", flag_value="grow", help="Let the baseline learn new findings too."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to write the findings.",
)
@click.option(
    "--output-file", type=click.Path(path_type=Path, dir_okay=False), help="Where to write them."
)
@click.option(
    "--statistics", is_flag=True, help="Count the findings per rule instead of showing them."
)
@click.option("--quiet", "-q", is_flag=True, help="Write the findings and nothing else.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="warning",
    show_default=True,
    help="How severe a finding must be to exit with 1.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 although there are findings.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes; Ctrl-C ends it.")
@click.pass_context
def check(context: click.Context, /, paths: tuple[Path, ...], **given: Any) -> None:
    """Check files and folders; `holdfast lint PATH...` does the same."""
    from holdfast_lint.diagnostic import LintError

    try:
        if given["watch"]:
            _watch(context, paths, given)
        else:
            code, _ = _once(context, paths, given)
            context.exit(code)
    except LintError as error:
        _refuse(context, str(error))


def _once(
    context: click.Context, paths: tuple[Path, ...], given: dict[str, Any]
) -> tuple[int, list[str]]:
    """Check and show; give the exit code, and which files were read."""
    # The analysis brings libcst, which takes longer to load than `holdfast --help` should take.
    from holdfast_lint.report.formats import render
    from holdfast_lint.report.text import summarise
    from holdfast_lint.running import Request, carry_out, exit_code

    request = Request(
        paths=paths,
        options=_options(given),
        baseline=given["baseline"],
        change=given["change"] or "none",
        fix=_fixing(given),
        unsafe=given["unsafe_fixes"],
    )
    result = carry_out(request)
    report, file = result.report, given["output_file"]
    colour = file is None and _wants_colour()
    if given["diff"]:
        text = result.diff
    else:
        text = render(report, given["form"], colour=colour, statistics=given["statistics"])
    if file is None:
        _show(context, text)
    else:
        _save(context, file, text)
    if not given["quiet"]:
        for line in (summarise(report), *result.notes):
            click.echo(line, err=True)
    code = exit_code(report, fail_on=given["fail_on"], exit_zero=given["exit_zero"])
    if given["diff"] and not report.problems:
        code = int(bool(result.diff) and not given["exit_zero"])
    return code, list(report.sources)


def _watch(context: click.Context, paths: tuple[Path, ...], given: dict[str, Any]) -> None:
    from holdfast_lint.diagnostic import LintError
    from holdfast_lint.watching import changes, stamps

    if given["fix"] or given["diff"] or given["change"] or given["output_file"]:
        raise LintError(
            "--watch only shows: leave out --fix, --diff, --output-file and changes of the baseline"
        )
    options = _options(given)
    read: list[str] = []
    try:
        for _ in changes(lambda: stamps(paths, options, read)):
            try:
                read[:] = _once(context, paths, given)[1]
            except LintError as error:
                click.echo(f"holdfast lint: {error}", err=True)
            click.echo("watching; Ctrl-C ends", err=True)
    except KeyboardInterrupt:
        context.exit(0)


@lint.command()
@click.argument("names", nargs=-1, metavar="CODE...")
@click.option("--all", "everything", is_flag=True, help="Show every rule.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
@click.pass_context
def rule(context: click.Context, names: tuple[str, ...], everything: bool, output: str) -> None:
    """Explain rules, given by code such as HF101 or by name such as wall-clock."""
    from holdfast_lint.diagnostic import LintError
    from holdfast_lint.explain import explain, explain_json
    from holdfast_lint.rulebook import load_rules
    from holdfast_lint.selection import code_of, normal

    if everything == bool(names):
        _refuse(context, "name the rules to explain, such as HF101, or say --all")
    wanted: set[str] = set()
    try:
        wanted.update(code_of(word) for word in normal(names))
    except LintError as error:
        _refuse(context, str(error))
    rules = [rule for rule in load_rules() if everything or rule.code in wanted]
    width = min(shutil.get_terminal_size().columns, WIDEST)
    _show(context, explain_json(rules) if output == "json" else explain(rules, width=width))


@lint.command()
@click.pass_context
def rules(context: click.Context) -> None:
    """List all rules: code, name, severity, and whether there is a fix."""
    from holdfast_lint.explain import list_rules
    from holdfast_lint.rulebook import load_rules

    _show(context, list_rules(load_rules()))


@lint.command()
@click.pass_context
def server(context: click.Context) -> None:
    """Check in an editor: a language server that speaks over standard input and output."""
    try:
        from holdfast_lint.editor.server import make_server
    except ModuleNotFoundError as error:
        if error.name not in {"pygls", "lsprotocol"}:
            raise
        _refuse(
            context,
            f"the server needs {error.name}, which is not installed. Run: pip install 'holdfast[lint]'",
        )
    make_server().start_io()


def _options(given: dict[str, Any]) -> Any:
    from holdfast_lint.selection import Options, normal

    return Options(
        select=normal(_words(given["select"])),
        extend_select=normal(_words(given["extend_select"])),
        ignore=normal(_words(given["ignore"])),
        per_file_ignores=_per_file(given["per_file_ignores"]),
        exclude=given["exclude"],
    )


def _fixing(given: dict[str, Any]) -> Any:
    from holdfast_lint.diagnostic import LintError

    if given["fix"] and given["diff"]:
        raise LintError("--fix changes files and --diff does not: say one of them")
    if given["unsafe_fixes"] and not (given["fix"] or given["diff"]):
        raise LintError("--unsafe-fixes needs --fix or --diff")
    return "diff" if given["diff"] else "write" if given["fix"] else "no"


def _per_file(entries: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    from holdfast_lint.diagnostic import LintError
    from holdfast_lint.selection import normal

    table: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        pattern, colon, words = entry.rpartition(":")
        if not (colon and pattern and _words(words)):
            raise LintError(
                f"--per-file-ignores: {entry!r} must be a pattern and rules, such as 'scripts/*:HF6,HF305'"
            )
        table[pattern] = (*table.get(pattern, ()), *normal(_words(words)))
    return table


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _refuse(context: click.Context, message: str) -> NoReturn:
    click.echo(f"holdfast lint: {message}", err=True)
    context.exit(UNUSABLE)


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _show(context: click.Context, text: str) -> None:
    """Write to standard output; end the program when it cannot be written."""
    try:
        _write(text)
    except OSError as error:
        _let_go(sys.stdout)
        if isinstance(error, BrokenPipeError):
            context.exit(STOPPED)
        click.echo(f"holdfast lint: the findings cannot be written: {error.strerror}", err=True)
        context.exit(UNUSABLE)


def _save(context: click.Context, file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        _refuse(context, f"{file} cannot be written: {error.strerror}")


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
