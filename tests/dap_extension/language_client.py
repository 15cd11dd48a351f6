"""A client of the language server: that of pygls, over standard input and output, with what some editors can do."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any, AsyncIterator, Callable, Dict, List, Optional, TypeVar

from commands import environment
from lsprotocol import types
from pygls.lsp.client import LanguageClient

COMMAND = (sys.executable, "-m", "dap_extension.language_server")
TIMEOUT = 60.0
F = TypeVar("F", bound=Callable[..., Any])


def editor(*encodings: str, markdown: bool = True, refresh: bool = True) -> types.ClientCapabilities:
    """Return the capabilities of an editor.

    :param encodings: how it can count columns; none: it says nothing of it.
    """
    formats = [types.MarkupKind.Markdown] if markdown else []
    return types.ClientCapabilities(
        general=types.GeneralClientCapabilities(position_encodings=list(encodings) or None),
        workspace=types.WorkspaceClientCapabilities(
            code_lens=types.CodeLensWorkspaceClientCapabilities(refresh_support=refresh),
            inlay_hint=types.InlayHintWorkspaceClientCapabilities(refresh_support=refresh),
        ),
        text_document=types.TextDocumentClientCapabilities(
            hover=types.HoverClientCapabilities(content_format=[*formats, types.MarkupKind.PlainText])
        ),
    )


#: What counts for us of what three editors say of themselves.
EDITORS = {
    "VS Code": editor("utf-16"),
    "Neovim": editor("utf-8", "utf-16", "utf-32"),
    "Emacs": editor("utf-32", "utf-8", "utf-16", markdown=False),
}


class Editor:
    """An editor with a server of its own."""

    def __init__(self) -> None:
        self.client = LanguageClient("test", "1")
        self.diagnostics: Dict[str, List[types.Diagnostic]] = {}
        self.messages: List[str] = []
        self.log: List[str] = []
        self.refreshed: List[str] = []
        self.capabilities: Optional[types.ServerCapabilities] = None
        self._changed = asyncio.Event()
        feature: Callable[[str], Callable[[F], F]] = self.client.feature

        @feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def publish(params: types.PublishDiagnosticsParams) -> None:
            self.diagnostics[params.uri] = list(params.diagnostics)
            self._changed.set()

        @feature(types.WINDOW_SHOW_MESSAGE)
        def show(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)
            self._changed.set()

        @feature(types.WINDOW_LOG_MESSAGE)
        def log(params: types.LogMessageParams) -> None:
            self.log.append(params.message)
            self._changed.set()

        @feature(types.WORKSPACE_CODE_LENS_REFRESH)
        def lenses(params: Any) -> None:
            self.refreshed.append("lenses")
            self._changed.set()

        @feature(types.WORKSPACE_INLAY_HINT_REFRESH)
        def hints(params: Any) -> None:
            self.refreshed.append("hints")
            self._changed.set()

    async def wait_for(self, condition: Any) -> None:
        """Wait until something that the server sends makes a condition true."""

        async def wait() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), TIMEOUT)

    def open(self, path: Path, text: Optional[str] = None) -> str:
        uri = path.as_uri()
        content = path.read_text(encoding="utf-8") if text is None else text
        document = types.TextDocumentItem(uri, "python", 1, content)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return uri

    def change(self, uri: str, text: str, version: int = 2) -> None:
        change = types.TextDocumentContentChangeWholeDocument(text)
        document = types.VersionedTextDocumentIdentifier(version, uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def notify(self, method: str, params: Any) -> None:
        self.client.protocol.notify(method, params)

    def paused(self, path: Path, session_id: str = "one") -> None:
        self.notify("asynctb/paused", {"sessionId": session_id, "path": str(path)})

    async def hints(self, uri: str, first: int = 0, last: int = 10_000) -> Dict[int, str]:
        """Return the hints by their lines, from 1."""
        wanted = types.Range(types.Position(first, 0), types.Position(last, 0))
        document = types.TextDocumentIdentifier(uri)
        found = await self.client.text_document_inlay_hint_async(types.InlayHintParams(document, wanted))
        return {each.position.line + 1: str(each.label) for each in found or ()}

    async def lenses(self, uri: str) -> Dict[int, types.CodeLens]:
        document = types.TextDocumentIdentifier(uri)
        found = await self.client.text_document_code_lens_async(types.CodeLensParams(document))
        return {each.range.start.line + 1: each for each in found or ()}

    async def hover(self, uri: str, line: int, character: int = 8) -> Optional[types.Hover]:
        where = types.TextDocumentIdentifier(uri), types.Position(line - 1, character)
        return await self.client.text_document_hover_async(types.HoverParams(*where))

    async def execute(self, command: str, *arguments: Any) -> Any:
        params = types.ExecuteCommandParams(command, list(arguments))
        return await self.client.workspace_execute_command_async(params)


@contextlib.asynccontextmanager
async def serving(
    capabilities: types.ClientCapabilities = EDITORS["VS Code"], options: Any = None
) -> AsyncIterator[Editor]:
    """Start a server for an editor; it has to end when it is told to."""
    used = Editor()
    await used.client.start_io(*COMMAND, env=environment())
    started = types.InitializeParams(capabilities, root_uri=None, initialization_options=options)
    result = await asyncio.wait_for(used.client.initialize_async(started), TIMEOUT)
    used.capabilities = result.capabilities
    used.client.initialized(types.InitializedParams())
    yield used
    await asyncio.wait_for(used.client.shutdown_async(None), TIMEOUT)
    used.client.exit(None)
    server = used.client._server
    assert server is not None
    assert await asyncio.wait_for(server.wait(), TIMEOUT) == 0
    stop: Any = used.client.stop
    await stop()


def snapshot_of(program: str, folder: Path) -> Path:
    """Run a program that saves a snapshot to the file that it is given, and return that."""
    source, snapshot = folder / "app.py", folder / "app.json"
    source.write_text(program, encoding="utf-8")
    subprocess.run([sys.executable, str(source), str(snapshot)], check=True, env=environment(), timeout=TIMEOUT)
    return snapshot
