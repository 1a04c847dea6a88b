"""The language server, asked by a client over standard input and output as an editor does."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from lsprotocol import types
from pygls.lsp.client import LanguageClient

FLOW = "import random\nfrom holdfast import workflow\nfrom helper import wait\n\n\n@workflow.define\nasync def flow() -> float:\n    wait()\n    return random.random()\n"
HELPER = "import time\n\n\ndef wait() -> None:\n    x = '日本𝒳'; time.sleep(1)\n"
FIXED = FLOW.removeprefix("import random\n").replace(
    "random.random()", "workflow.random().random()"
)


class Editor(LanguageClient):
    """Keep what the server has said, and wait for more."""

    def __init__(self, folder: Path) -> None:
        super().__init__("test", "1")
        self.folder = folder
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(
            lambda params: self.published.put_nowait(params)  # noqa: PLW0108 - pygls marks the function
        )
        self.feature(types.WINDOW_SHOW_MESSAGE)(
            lambda params: self.messages.put_nowait(params.message)
        )

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str) -> None:
        self.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(self.uri(name), "python", 1, text)
            )
        )

    def type_over(self, name: str, text: str, version: int) -> None:
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version, self.uri(name)),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def told(self, name: str) -> list[types.Diagnostic]:
        """Wait until the server speaks of a file."""
        while True:
            params = await self.published.get()
            if params.uri == self.uri(name):
                return list(params.diagnostics)

    async def actions(
        self, name: str, line: int, only: list[str] | None = None
    ) -> list[types.CodeAction]:
        start, end = types.Position(line, 0), types.Position(line, 99)
        context = types.CodeActionContext([], only=only)
        found = await self.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(self.uri(name)), types.Range(start, end), context
            )
        )
        return [action for action in found or [] if isinstance(action, types.CodeAction)]

    async def hover(self, name: str, line: int, character: int) -> str:
        found = await self.text_document_hover_async(
            types.HoverParams(
                types.TextDocumentIdentifier(self.uri(name)), types.Position(line, character)
            )
        )
        return (
            found.contents.value
            if found and isinstance(found.contents, types.MarkupContent)
            else ""
        )


@pytest_asyncio.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "helper.py").write_text(HELPER)
    client = Editor(tmp_path)
    await client.start_io(sys.executable, "-m", "holdfast", "lint", "server")
    folder = types.WorkspaceFolder(tmp_path.as_uri(), "project")
    await client.initialize_async(
        types.InitializeParams(types.ClientCapabilities(), workspace_folders=[folder])
    )
    client.initialized(types.InitializedParams())
    yield client
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()  # type: ignore[no-untyped-call]


def applied(text: str, action: types.CodeAction) -> str:
    """Carry out an action as an editor does, in UTF-16 columns."""
    assert action.edit is not None
    assert action.edit.changes is not None
    ((_, edits),) = action.edit.changes.items()
    lines = text.split("\n")

    def offset(place: types.Position) -> int:
        before = sum(len(line) + 1 for line in lines[: place.line])
        units = lines[place.line].encode("utf-16-le")[: 2 * place.character]
        return before + len(units.decode("utf-16-le"))

    for edit in sorted(edits, key=lambda edit: offset(edit.range.start), reverse=True):
        assert isinstance(edit, types.TextEdit)
        start, end = offset(edit.range.start), offset(edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text


def codes(found: list[types.Diagnostic]) -> list[Any]:
    return [item.code for item in found]


async def test_an_open_file_shows_a_finding_whose_fix_can_be_applied(editor: Editor) -> None:
    editor.open("flow.py", FLOW)
    (finding,) = await editor.told("flow.py")

    assert finding.code == "HF111"
    assert finding.range == types.Range(types.Position(8, 11), types.Position(8, 26))
    fix, suppress, everything = await editor.actions("flow.py", 8)
    assert (fix.title, fix.is_preferred) == ("HF111: draw from `workflow.random()`", True)
    after = applied(FLOW, fix)
    assert "    return workflow.random().random()\n" in after
    assert applied(FLOW, everything) == FIXED
    assert suppress.title == "HF111: suppress here, and say why"

    editor.type_over("flow.py", after, 2)

    assert await editor.told("flow.py") == []


async def test_a_finding_of_a_helper_names_the_way_to_it_in_the_columns_of_the_client(
    editor: Editor,
) -> None:
    editor.open("helper.py", HELPER)
    (finding,) = await editor.told("helper.py")

    assert (finding.range.start, finding.range.end) == (
        types.Position(4, 16),
        types.Position(4, 29),
    )
    assert [
        (item.message, Path(item.location.uri).name, item.location.range.start.line)
        for item in finding.related_information or []
    ] == [("workflow flow", "flow.py", 7), ("called: wait", "helper.py", 4)]


async def test_what_is_not_saved_is_checked_as_it_is_typed(editor: Editor) -> None:
    editor.open("helper.py", HELPER)
    await editor.told("helper.py")

    editor.type_over("helper.py", "def wait() -> None: ...\n", 2)
    assert await editor.told("helper.py") == []

    editor.type_over("helper.py", "def wait( -> None: ...\n", 3)
    (problem,) = await editor.told("helper.py")
    assert problem.message.startswith("not checked for replay: syntax error")


async def test_a_suppression_leaves_the_reason_to_be_written(editor: Editor) -> None:
    editor.open("flow.py", FLOW)
    await editor.told("flow.py")

    _, suppress, _ = await editor.actions("flow.py", 8)
    after = applied(FLOW, suppress)
    assert after.endswith("    return random.random()  # holdfast: ignore[HF111] \n")
    editor.type_over("flow.py", after, 2)
    assert codes(await editor.told("flow.py")) == ["HF991"]

    editor.type_over("flow.py", after.replace("] \n", "] a demonstration\n"), 3)
    assert await editor.told("flow.py") == []


async def test_a_suppression_joins_the_one_that_is_there_and_stays_out_of_strings(
    editor: Editor,
) -> None:
    text = FLOW.replace(
        "    wait()\n",
        '    print(random.random())  # holdfast: ignore[HF111] why\n    print("""\n    """)\n',
    )
    editor.open("flow.py", text)
    await editor.told("flow.py")

    joined = next(
        action for action in await editor.actions("flow.py", 7) if "suppress" in action.title
    )
    below = next(
        action for action in await editor.actions("flow.py", 8) if "suppress" in action.title
    )

    assert "ignore[HF111, HF601] why\n" in applied(text, joined)
    assert '\n    """)  # holdfast: ignore[HF601] \n' in applied(text, below)


async def test_an_action_asked_for_before_the_check_is_about_the_text_as_it_is(
    editor: Editor,
) -> None:
    editor.open("flow.py", FLOW)
    text = "\n\n" + FLOW
    editor.type_over("flow.py", text, 2)

    fix, *_ = await editor.actions("flow.py", 10)

    assert "    return workflow.random().random()\n" in applied(text, fix)


async def test_an_editor_may_ask_for_one_kind_of_action(editor: Editor) -> None:
    editor.open("flow.py", FLOW)

    (action,) = await editor.actions("flow.py", 1, only=["source.fixAll"])

    assert action.kind == "source.fixAll.holdfast"


async def test_hovering_shows_the_page_of_a_rule(editor: Editor) -> None:
    editor.open("flow.py", "# holdfast: ignore-file[HF6] why\n" + FLOW + "# See HF101.\n")
    await editor.told("flow.py")

    assert (await editor.hover("flow.py", 9, 15)).startswith("# HF111 random\n")
    assert (await editor.hover("flow.py", 10, 8)).startswith("# HF101 wall-clock\n")
    assert await editor.hover("flow.py", 2, 3) == ""


async def test_a_table_that_makes_no_sense_is_told(editor: Editor) -> None:
    (editor.folder / "pyproject.toml").write_text("[tool.holdfast.lint]\nselect = ['HF0']\n")

    editor.open("flow.py", FLOW)

    assert "there is no rule 'HF0'" in await editor.messages.get()


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pygls":
            raise ModuleNotFoundError("no", name="pygls")
sys.meta_path.insert(0, Missing())
from holdfast.cli import main
main(["lint", "server"])
"""


def test_without_its_library_the_server_says_what_to_install() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )

    assert ended.stderr == (
        "holdfast lint: the server needs pygls, which is not installed. Run: pip install 'holdfast[lint]'\n"
    )
    assert ended.returncode == 2
