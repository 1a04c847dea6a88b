"""Serving the dashboard from a socket, and stopping promptly."""

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from holdfast.errors import UsageError
from holdfast_dashboard.settings import address


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket, or raise `UsageError`; port 0 takes any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"Port {port} of {host} is in use, perhaps by another dashboard. Give another with --port, "
                "or --port 0 for any that is free."
            ) from None
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. Give another --host or --port."
        ) from None


class Server(uvicorn.Server):
    """Serve the dashboard in this thread until SIGTERM, Ctrl-C, or `should_exit`.

    Args:
        app: The dashboard, from `create_app`.
        listener: Where it listens, from `open_socket`.
        ready: Called with the address once pages are served.
    """

    def __init__(
        self,
        app: FastAPI,
        listener: socket.socket,
        *,
        ready: Callable[[str], None] = lambda _url: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                ws="none",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._listener = listener
        self._bell = app.state.site.bell
        self._ready = ready
        host, port = listener.getsockname()[:2]
        self.url = address(host, port)

    def serve_forever(self) -> None:
        """Serve until told to stop."""
        self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and say so."""
        await super().startup(sockets)
        self._ready(self.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; streams end first, for a server waits for every open connection."""
        self._bell.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take a signal as the wish to stop, and not, as uvicorn does, as a way to die afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
