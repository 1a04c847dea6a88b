"""What the documents show is what happens: files are written, commands run, and their output is compared."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "```" in path.read_text()
    and path.name != "lint.md"  # its blocks are the cases of the rules: tests/lint
)
BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^>]*) -->\n)?```(?P<kind>\w*)\n(?P<body>.*?)```\n", re.DOTALL
)
PROMPT = "$ "
# Between two looks: asking without a pause takes the processor from the worker that is waited for.
PAUSE = 0.05
PATIENCE = 30.0


@dataclass(frozen=True)
class Command:
    text: str
    expected: list[str]


class Shell:
    """Be one bash session, so that `&` and `$!` mean what they mean to a reader."""

    def __init__(self, folder: Path, **more: str) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "200", **more}
        self._process = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, command: str) -> tuple[int, list[str]]:
        """Return the exit code and the lines of a command; a background job's exit code is that of its start."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = f"{command.removesuffix('&')} 2>worker.log &" if command.endswith("&") else command
        self._process.stdin.write(f"{job}\necho __end__ $?\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith("__end__ "):
                return int(line.split()[1]), lines
            lines.append(line.rstrip("\n"))
        pytest.fail(f"the shell ended during {command!r}: {lines}")

    def close(self) -> None:
        os.killpg(self._process.pid, 9)
        self._process.communicate()


@pytest.fixture
def shell(tmp_path: Path, document: Path, request: pytest.FixtureRequest) -> Iterator[Shell]:
    """Give a shell in an empty folder; for a document that says so, its database is a Postgres."""
    on_postgres = "<!-- database: postgres -->" in document.read_text()
    more = {"HOLDFAST_DB": request.getfixturevalue("postgres_url")} if on_postgres else {}
    made = Shell(tmp_path, **more)
    yield made
    made.close()


def commands_of(body: str) -> list[Command]:
    commands: list[Command] = []
    for line in body.splitlines():
        if line.startswith(PROMPT):
            commands.append(Command(line.removeprefix(PROMPT), []))
        elif line.strip():
            commands[-1].expected.append(line)
    return commands


def pattern_of(expected: str) -> re.Pattern[str]:
    parts = (re.sub(r"(?:\\ )+", r"\\s+", re.escape(part.strip())) for part in expected.split("…"))
    return re.compile(r".*".join(parts))


def shown_in_order(expected: list[str], lines: list[str]) -> bool:
    rest = iter(lines)
    return all(
        any(pattern_of(line).search(found) for found in rest)
        for line in expected
        if line.strip() != "…"
    )


def fails(expected: list[str]) -> bool:
    """Tell whether what a document shows is an error, a finding of the linter or a difference of a replay."""
    return any(
        re.search(r"^holdfast(?: lint)?: |\bHF\d{3}\b|\bND\d{2}\b", line) for line in expected
    )


def check(shell: Shell, command: Command) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        code, lines = shell.run(command.text)
        if shown_in_order(command.expected, lines) and (code != 0) == fails(command.expected):
            break
        # What a worker does takes a moment; only questions are asked again.
        asks = command.text.startswith(
            (
                "holdfast why",
                "holdfast runs",
                "holdfast inbox",
                "holdfast history",
                "holdfast workers",
                "holdfast queue show",
                "holdfast schedule describe",
            )
        )
        if not asks or time.monotonic() > deadline:
            expected, got = "\n".join(command.expected), "\n".join(lines)
            pytest.fail(
                f"$ {command.text}\nexpected:\n{expected}\ngot, with exit code {code}:\n{got}"
            )
        time.sleep(PAUSE)
    if command.text.endswith("&"):
        await_job(shell, command.text, deadline)


def await_job(shell: Shell, text: str, deadline: float) -> None:
    """Wait until a background worker says that it works; one that ends instead fails the test."""
    while shell.run("grep -q ^worker worker.log")[0] != 0:
        alive, _ = shell.run("kill -0 $!")
        if alive != 0 or time.monotonic() > deadline:
            pytest.fail(f"$ {text}\n" + "\n".join(shell.run("cat worker.log")[1]))
        time.sleep(PAUSE)


def apply(diff: str, path: Path) -> None:
    """Apply a diff whose hunks are separated by `@@` lines and found by their content."""
    text = path.read_text()
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        old = "".join(f"{line[1:]}\n" for line in hunk.splitlines() if line[:1] in {" ", "-"})
        new = "".join(f"{line[1:]}\n" for line in hunk.splitlines() if line[:1] in {" ", "+", ""})
        assert text.count(old) == 1, (
            f"this hunk fits {text.count(old)} places of {path.name}:\n{hunk}"
        )
        text = text.replace(old, new)
    path.write_text(text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_shows_what_happens(document: Path, tmp_path: Path, shell: Shell) -> None:
    for block in BLOCK.finditer(document.read_text()):
        note, kind, body = block["note"] or "", block["kind"], block["body"]
        if note.startswith("file:"):
            name = note.split()[1]
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(body)
        elif note.startswith("edit:"):
            apply(body, tmp_path / note.split()[1])
        elif kind == "console":
            for command in commands_of(body):
                check(shell, command)
        elif kind == "python":
            pytest.fail(f"{document}: a python block needs `<!-- file: NAME -->` so that it is run")


def test_every_link_of_a_document_leads_somewhere() -> None:
    documents = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text())
        if not (document.parent / target).exists()
    ]

    assert broken == []
