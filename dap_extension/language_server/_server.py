"""The server: what it is told, what it is asked, and that none of it takes the editor's session down."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import re
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type, TypeVar

import attrs
from lsprotocol import types
from pygls.cli import start_server
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter

from ..snapshot_files import shared
from ..snapshot_files.reading import DocumentError, check_document, map_paths, read_document
from ._answers import LIST, MEMBERS, OPEN, WHY, Answers

PAUSED, RESUMED = "asynctb/paused", "asynctb/resumed"
#: Seconds between two looks at what adapters have published.
_LOOKING = 0.3
T = TypeVar("T")
_log = logging.getLogger(__name__)


@attrs.define
class _Raw:
    """A notification of ours, whose parameters stay what they are: they are checked by whoever reads them."""

    method: str
    jsonrpc: str
    params: Any = None


class _Protocol(LanguageServerProtocol):
    def get_message_type(self, method: str) -> Optional[Type[Any]]:  # type: ignore[override]
        return _Raw if method in (PAUSED, RESUMED) else super().get_message_type(method)


@attrs.define
class Options:
    """What the client asks for when it starts the server (``initializationOptions``)."""

    lenses: bool = True
    hints: bool = True
    hovers: bool = True
    diagnostics: bool = True
    #: Whether to show what `asynctb adapter` tells of sessions of this user.
    adapters: bool = True
    #: Paths where the program runs, and what they are here.
    maps: List[Tuple[str, str]] = attrs.Factory(list)

    @classmethod
    def of(cls, value: Any) -> Options:
        """Return the options that were sent, as far as they make sense."""
        options = cls()
        read: Callable[[str], Any] = value.get if isinstance(value, dict) else lambda key: getattr(value, key, None)
        for key in ("lenses", "hints", "hovers", "diagnostics", "adapters"):
            if isinstance(read(key), bool):
                setattr(options, key, read(key))
        maps = read("maps")
        if maps is not None and not isinstance(maps, dict):
            maps = getattr(maps, "_asdict", dict)()
        options.maps = [each for each in (maps or {}).items() if all(isinstance(part, str) for part in each)]
        return options


class AsynctbLanguageServer(LanguageServer):
    """The server of one client."""

    def __init__(self, version: str) -> None:
        super().__init__("asynctb", version, protocol_cls=_Protocol, converter_factory=default_converter)
        self.answers = Answers()
        self.options = Options()
        self._published: Dict[str, shared.Published] = {}
        #: Follows what adapters publish, if that is wanted.
        self.following: Optional[asyncio.Future[None]] = None
        #: Lets adapters know of the server, until it ends.
        self.announced = contextlib.ExitStack()

    async def follow_adapters(self) -> None:
        """Show what adapters publish, as long as they do."""
        while True:
            try:
                await self._look_at_adapters()
            except Exception:
                _log.exception("looking at what adapters publish failed")
            await asyncio.sleep(_LOOKING)

    async def _look_at_adapters(self) -> None:
        found = shared.published()
        for name in [name for name in self._published if name not in found]:
            del self._published[name]
            self.answers.resumed(name)
            self.refresh()
        for name, each in found.items():
            if self._published.get(name) != each:
                self._published[name] = each
                try:
                    document = await asyncio.to_thread(read_document, each.path, only_files=True)
                    self.take(name, document)
                except DocumentError as error:  # it may have been withdrawn
                    _log.info("%s: %s", each.path, error)

    def tell(self, text: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show a text to the user."""
        self.window_show_message(types.ShowMessageParams(kind, text))

    def take(self, session_id: str, document: Any) -> None:
        """Take the snapshot of a session.

        :raises DocumentError: if it is none.
        """
        map_paths(document, self.options.maps)
        self.answers.paused(session_id, document)
        self.refresh()

    def refresh(self) -> None:
        """Let the client ask again for what it shows."""
        self.publish()
        capabilities = self.client_capabilities.workspace
        if capabilities is None:
            return
        if capabilities.code_lens is not None and capabilities.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None, callback=_ignore)
        if capabilities.inlay_hint is not None and capabilities.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None, callback=_ignore)

    def publish(self, uris: Optional[Sequence[str]] = None) -> None:
        """Send the diagnostics of open documents."""
        for uri, document in list(self.workspace.text_documents.items()):
            if uris is None or uri in uris:
                found = self.answers.diagnostics(document) if self.options.diagnostics else []
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, document.version))


def _ignore(result: object) -> None:
    pass


def _guarded(function: Callable[..., T]) -> Callable[..., Optional[T]]:
    """Return a handler that answers nothing where there is a defect of ours."""

    @functools.wraps(function)
    def guarded(*args: Any) -> Optional[T]:
        try:
            return function(*args)
        except Exception:
            _log.exception("%s failed", function.__name__)
            return None

    return guarded


def make_server() -> AsynctbLanguageServer:
    """Return a server that waits for its client."""
    server = AsynctbLanguageServer(_version())
    answers = server.answers

    @server.feature(types.INITIALIZE)
    @_guarded
    def initialize(params: types.InitializeParams) -> None:
        answers.workspace = server.workspace
        answers.encoding = server.workspace.position_encoding or types.PositionEncodingKind.Utf16
        server.options = Options.of(params.initialization_options)

    @server.feature(types.INITIALIZED)
    @_guarded
    def initialized(params: types.InitializedParams) -> None:
        if server.options.adapters:
            server.announced.enter_context(shared.server_announced())
            server.following = asyncio.ensure_future(server.follow_adapters())

    @server.feature(PAUSED)
    @_guarded
    def paused(params: Any) -> None:
        try:
            session_id = _session_id(params)
            if "snapshot" in params:
                document = check_document(params["snapshot"])
            elif isinstance(params.get("path"), str):
                document = read_document(params["path"], only_files=True)
            else:
                raise DocumentError(f'{PAUSED} needs "snapshot" or "path"')
            server.take(session_id, document)
        except DocumentError as error:
            # Whatever was known is of another moment.
            _forget(params)
            server.window_log_message(types.LogMessageParams(types.MessageType.Warning, f"asynctb: {error}"))

    @server.feature(RESUMED)
    @_guarded
    def resumed(params: Any) -> None:
        _forget(params)
        if isinstance(params, dict) and params.get("ended") is True:
            answers.ended(str(params.get("sessionId")))

    def _forget(params: Any) -> None:
        session_id = params.get("sessionId") if isinstance(params, dict) else None
        if isinstance(session_id, str) and session_id in answers.sessions:
            answers.resumed(session_id)
            server.refresh()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    @_guarded
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        uri = params.text_document.uri
        answers.opened(server.workspace.get_text_document(uri))
        server.publish([uri])

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    @_guarded
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        if answers.sessions:
            server.publish([params.text_document.uri])

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    @_guarded
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        answers.closed(params.text_document.uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(params.text_document.uri, []))

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    @_guarded
    def code_lens(params: types.CodeLensParams) -> List[types.CodeLens]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return answers.code_lenses(document) if server.options.lenses else []

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    @_guarded
    def inlay_hint(params: types.InlayHintParams) -> List[types.InlayHint]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return answers.inlay_hints(document, params.range) if server.options.hints else []

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    @_guarded
    def hover(params: types.HoverParams) -> Optional[types.Hover]:
        document = server.workspace.get_text_document(params.text_document.uri)
        found = answers.hover(document, params.position) if server.options.hovers else None
        return None if found is None else types.Hover(_markup(server, found[0]), found[1])

    @server.feature(types.WORKSPACE_SYMBOL)
    @_guarded
    def symbol(params: types.WorkspaceSymbolParams) -> List[types.WorkspaceSymbol]:
        return answers.symbols(params.query)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    @_guarded
    def references(params: types.ReferenceParams) -> List[types.Location]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return answers.references(document, params.position)

    @server.feature(types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY)
    @_guarded
    def prepare(params: types.CallHierarchyPrepareParams) -> Optional[List[types.CallHierarchyItem]]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return answers.prepared(document, params.position) or None

    @server.feature(types.CALL_HIERARCHY_INCOMING_CALLS)
    @_guarded
    def incoming(params: types.CallHierarchyIncomingCallsParams) -> List[types.CallHierarchyIncomingCall]:
        return answers.waiting_for(params.item)

    @server.feature(types.CALL_HIERARCHY_OUTGOING_CALLS)
    @_guarded
    def outgoing(params: types.CallHierarchyOutgoingCallsParams) -> List[types.CallHierarchyOutgoingCall]:
        return answers.needed_by(params.item)

    @server.command(OPEN)
    @_guarded
    def open_file(ls: AsynctbLanguageServer, *arguments: Any) -> str:
        path = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        try:
            document = read_document(path, only_files=True)
            server.take(f"file:{os.path.abspath(path)}", document)
        except DocumentError as error:
            text = f"asynctb: {path!r} cannot be shown: {error}"
            server.tell(text, types.MessageType.Error)
            return text
        return answers.why()

    @server.command(WHY)
    @_guarded
    def why(ls: AsynctbLanguageServer, *arguments: Any) -> str:
        text = answers.why()
        server.tell(text)
        return text

    @server.command(LIST)
    @_guarded
    def list_function(ls: AsynctbLanguageServer, *arguments: Any) -> str:
        text = answers.listing(*arguments) if len(arguments) == 3 else answers.why()
        server.tell(text)
        return text

    @server.command(MEMBERS)
    @_guarded
    def members(ls: AsynctbLanguageServer, *arguments: Any) -> List[str]:
        return answers.members(*arguments) if len(arguments) == 3 else []

    return server


def _session_id(params: Any) -> str:
    if not isinstance(params, dict) or not isinstance(params.get("sessionId"), str):
        raise DocumentError(f'{PAUSED} needs "sessionId", a string')
    session_id: str = params["sessionId"]
    return session_id


def _markup(server: AsynctbLanguageServer, text: str) -> types.MarkupContent:
    """Return a text that is shown as it is, whatever the program has put into its names."""
    capabilities = server.client_capabilities.text_document
    formats: Sequence[Any] = ()
    if capabilities is not None and capabilities.hover is not None:
        formats = capabilities.hover.content_format or ()
    if types.MarkupKind.Markdown not in formats:
        return types.MarkupContent(types.MarkupKind.PlainText, text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return types.MarkupContent(types.MarkupKind.Markdown, f"{fence}text\n{text}\n{fence}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("asynctb")
    except PackageNotFoundError:  # bundled with an editor's extension
        return "0"


def serve(arguments: List[str]) -> None:
    """Serve a client until it is done."""
    server = make_server()
    with server.announced:
        start_server(server, arguments)
