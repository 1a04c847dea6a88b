"""A TCP proxy in front of a Postgres that loses connections at a moment that a test chooses."""

import contextlib
import enum
import socket
import threading
from collections.abc import Iterator

from sqlalchemy import make_url

_HEAD = 5  # bytes of a message: its kind, and how long the rest is
_NOTIFICATION = b"A"
_COMMIT = b"COMMIT\0"  # and not the "COMMITTED" of an isolation level


class Loss(enum.Enum):
    """What becomes of the next COMMIT."""

    ANSWER = "the server carries it out, and the answer is lost"
    REQUEST = "the server never gets it, and sees the connection end"
    SILENCE = "the server never gets it, and does not see the connection end either"


class Proxy:
    """Pass everything on, until something is to be lost."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._server = parsed.host or "127.0.0.1", parsed.port or 5432
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = parsed.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        self.losses: list[Loss] = []
        self._next: Loss | None = None
        self._after = 0
        self._lock = threading.Lock()
        self._open = True
        self._sockets: list[socket.socket] = []
        self._unheard: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def lose(self, loss: Loss | None, *, after: int = 0) -> None:
        """Lose the COMMIT that follows `after` others, or none any more."""
        self._next, self._after = loss, after

    def refuse(self) -> None:
        """Let nobody in any more."""
        self._open = False

    def cut(self) -> None:
        """End every connection there is now."""
        for end in self._sockets:
            _close(end)
        self._sockets = []

    def close(self) -> None:
        self._open = False
        _close(self._listening)
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                if not self._open:
                    _close(client)
                    continue
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                for pump in (self._ask, self._answer):
                    thread = threading.Thread(target=pump, args=(client, server), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                loss = self._chosen() if _COMMIT in data else None
                if loss is None:
                    server.sendall(data)
                    continue
                if loss is Loss.ANSWER:
                    self._unheard.add(server)  # before it can answer
                    server.sendall(data)
                    return
                _close(client)
                if loss is Loss.REQUEST:
                    _close(server)
                return
            _close(server)

    def _chosen(self) -> Loss | None:
        with self._lock:
            if self._next is None or self._after > 0:
                self._after -= 1
                return None
            loss, self._next = self._next, None
            self.losses.append(loss)
            return loss

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if server in self._unheard:
                    break
                client.sendall(self.passed_on(server, data))
        _close(client)
        _close(server)

    def passed_on(self, _server: socket.socket, data: bytes) -> bytes:
        """Return what of the answer of a server reaches its client."""
        return data


class Deaf(Proxy):
    """Lose what a server says unasked, as a pooler does that has given its session to others."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url += "?sslmode=disable&gssencmode=disable"  # so that messages are to be seen
        self._rest: dict[socket.socket, bytes] = {}

    def passed_on(self, server: socket.socket, data: bytes) -> bytes:
        """Return an answer without notifications."""
        rest, heard = self._rest.get(server, b"") + data, b""
        while len(rest) >= _HEAD and len(rest) >= (
            size := 1 + int.from_bytes(rest[1:_HEAD], "big")
        ):
            heard += b"" if rest[:1] == _NOTIFICATION else rest[:size]
            rest = rest[size:]
        self._rest[server] = rest
        return heard


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """Yield a proxy in front of a server."""
    with contextlib.closing(Proxy(url)) as proxy:
        yield proxy
