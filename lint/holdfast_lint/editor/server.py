"""`holdfast lint server`: checks what an editor has open, saved or not."""

import asyncio
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from holdfast_lint.api import check_paths
from holdfast_lint.diagnostic import Coverage, LintError, Report
from holdfast_lint.editor.answers import FIX_ALL, Text, actions_at, diagnostics_of, page_at
from holdfast_lint.module import lines_of

# How long nobody must have typed before a check begins.
DEBOUNCE = 0.3
# No file is below this one, so that reports name all paths in full.
NOWHERE = Path(os.devnull)

NOTHING = Report(
    diagnostics=(),
    problems=(),
    coverage=Coverage(files=0, workflows=0, calls=0, resolved_calls=0),
    sources={},
)


class LintServer(LanguageServer):
    """Hold the last report, and check again when something changes."""

    def __init__(self) -> None:
        super().__init__(
            "holdfast-lint",
            version("holdfast"),
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
        )
        self.report = NOTHING
        self._overlay: Mapping[Path, str] = {}
        self._shown: set[str] = set()
        self._waiting: asyncio.Task[None] | None = None
        self._checking = asyncio.Lock()
        self._complaint = ""

    # When

    def check_soon(self) -> None:
        """Check when nobody has typed for a moment."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().create_task(self._check_later())

    async def _check_later(self) -> None:
        await asyncio.sleep(DEBOUNCE)
        self._waiting = None
        await self.check()

    async def check(self) -> None:
        """Check all that is open or in the folders of the workspace, and say what was found."""
        async with self._checking:
            overlay, paths = self._open_texts(), self._paths()
            try:
                report = await asyncio.to_thread(
                    check_paths, paths, overlay=overlay, folder=NOWHERE
                )
            except LintError as error:
                self._complain(str(error))
                return
            self._complaint = ""
            self.report, self._overlay = report, overlay
            self._publish()

    async def up_to_date(self) -> Report:
        """Give a report about the texts as they are now."""
        if self._open_texts() != self._overlay:
            await self.check()
        return self.report

    # What

    def seen(self, path: str) -> Text:
        """Give the text of a file as the last check has seen it."""
        known = self._uris().get(path)
        return Text(
            uri=known or from_fs_path(path) or "",
            lines=lines_of(self.report.sources.get(path, "")),
            units=self.workspace.position_codec.client_num_units,
        )

    def _open_texts(self) -> dict[Path, str]:
        documents = self.workspace.text_documents.values()
        texts = {_path_of(document.uri): document.source for document in documents}
        return {path: text for path, text in texts.items() if path is not None and path.is_file()}

    def _uris(self) -> dict[str, str]:
        found = {uri: _path_of(uri) for uri in self.workspace.text_documents}
        return {str(path): uri for uri, path in found.items() if path is not None}

    def _paths(self) -> list[Path]:
        """List the folders of the workspace, and what is open outside of them."""
        given = (_path_of(folder.uri) for folder in self.workspace.folders.values())
        folders = [folder for folder in given if folder is not None and folder.is_dir()]
        others = [
            path
            for path in self._open_texts()
            if path.suffix == ".py" and not any(path.is_relative_to(folder) for folder in folders)
        ]
        return [*folders, *others]

    def _publish(self) -> None:
        """Say what was found where, and where nothing is any more."""
        found = {item.path for item in self.report.diagnostics}
        found |= {problem.path for problem in self.report.problems}
        paths = {path for path in found if path in self.report.sources or path in self._uris()}
        for path in sorted(paths | self._shown | {str(path) for path in self._overlay}):
            params = types.PublishDiagnosticsParams(
                uri=self.seen(path).uri,
                diagnostics=diagnostics_of(self.report, path, self.seen),
            )
            self.text_document_publish_diagnostics(params)
        self._shown = paths

    def _complain(self, message: str) -> None:
        """Say once what is wrong with the configuration."""
        if message != self._complaint:
            self._complaint = message
            shown = types.ShowMessageParams(
                type=types.MessageType.Error, message=f"holdfast lint: {message}"
            )
            self.window_show_message(shown)


def _path_of(uri: str) -> Path | None:
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return None if path is None else Path(os.path.abspath(path))  # noqa: PTH100 - as discovery does


def make_server() -> LintServer:
    """Make a server that is ready to start."""
    server = LintServer()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def now(server: LintServer, _params: object) -> None:
        await server.check()

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def soon(server: LintServer, _params: object) -> None:
        server.check_soon()

    options = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL])

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def offer(server: LintServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        path = _path_of(params.text_document.uri)
        report = await server.up_to_date()
        if path is None or str(path) not in report.sources:
            return []
        kinds = params.context.only
        return [
            action
            for action in actions_at(report, str(path), params.range, server.seen)
            if kinds is None or any(str(action.kind).startswith(str(kind)) for kind in kinds)
        ]

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def explain(server: LintServer, params: types.HoverParams) -> types.Hover | None:
        path = _path_of(params.text_document.uri)
        report = await server.up_to_date()
        if path is None or str(path) not in report.sources:
            return None
        return page_at(report, str(path), params.position, server.seen)

    return server
