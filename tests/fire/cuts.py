"""Connections cut after some bytes of what a client says or hears: whatever the server made of it, nothing is doubled."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.fire import flows
from tests.fire.checking import Count, count, run_of
from tests.fire.progress import say

from holdfast import Client, Worker

_PIECE = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what was counted after every cut."""

    count: Count
    cuts: int
    statements: int

    @property
    def broken(self) -> int:
        """Return how many promises were broken."""
        return self.count.broken

    @property
    def details(self) -> tuple[str, ...]:
        """Return what was broken, one line each."""
        return self.count.details

    def __str__(self) -> str:
        return f"{self.cuts} cuts at {self.statements} kinds of message; {self.count}"


@dataclass(frozen=True, slots=True)
class Cut:
    """Say which message of the client is cut, by its beginning, and where.

    `before` lets nothing of it through, `half` the first half, `answer` all of it and nothing of what comes back.
    """

    message: bytes
    where: str


class CuttingProxy:
    """Stand between a client and a server, learn the kinds of messages, and cut at one of them."""

    def __init__(self, url: str) -> None:
        parsed = urlsplit(url)
        self._server = (parsed.hostname or "127.0.0.1", parsed.port or 5432)
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = urlunsplit(parsed._replace(netloc=f"{parsed.username}@127.0.0.1:{port}"))
        self.kinds: dict[bytes, None] = {}
        self.done = 0
        self._cut: Cut | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next(self, cut: Cut) -> None:
        """Cut the next message of a kind."""
        with self._lock:
            self._cut = cut

    def close(self) -> None:
        """Let nobody in any more."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
                deaf = threading.Event()
                for pump, ends in (
                    (self._ask, (client, server, deaf)),
                    (self._answer, (client, server, deaf)),
                ):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_PIECE):
                where = self._judge(data)
                if where == "answer":
                    deaf.set()
                if where in {None, "answer"}:
                    server.sendall(data)
                    continue
                if where == "half":
                    server.sendall(data[: len(data) // 2])
                break
        _close(client)
        _close(server)

    def _judge(self, data: bytes) -> str | None:
        kind = _kind_of(data)
        with self._lock:
            self.kinds.setdefault(kind)
            if self._cut is None or self._cut.message != kind:
                return None
            where, self._cut = self._cut.where, None
            self.done += 1
            return where

    def _answer(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE):
                if deaf.is_set():
                    break
                client.sendall(data)
        _close(client)
        _close(server)


def _kind_of(data: bytes) -> bytes:
    """Return the type of a message and the beginning of its statement, without what differs from one to the next."""
    text = data[5:] if data[:1] == b"Q" else data[5:].partition(b"\0")[2]
    return data[:1] + text[:40]


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def _proxied(url: str) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(url)
    try:
        yield proxy
    finally:
        proxy.close()


async def cuts(folder: Path, url: str, *, every: int) -> Outcome:
    """Carry out one run for each kind of message and each place of a cut; `every` leaves kinds out to save time."""
    done = 0
    with _proxied(url) as proxy:
        async with Client(proxy.url) as client:
            await _carry_out(client, folder, 0)  # learns the kinds of messages
            kinds = list(proxy.kinds)[::every]
            planned = [Cut(kind, where) for kind in kinds for where in ("before", "half", "answer")]
            for cut in planned:
                done += 1
                proxy.cut_next(cut)
                await _carry_out(client, folder, done)
                say(f"{done} of {len(planned)} cuts")
            made = proxy.done
    async with Client(url) as client:
        counted = await count(client, folder, range(done + 1))
    return Outcome(count=counted, cuts=made, statements=len(kinds))


async def _carry_out(client: Client, folder: Path, number: int) -> None:
    """Start a run through the proxy and work until it has ended."""
    worker = Worker(client, workflows=[flows.order], activities=[flows.effect])
    working = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(60):
            await _patiently(client, folder, number)
    finally:
        worker.stop()
        await working


async def _patiently(client: Client, folder: Path, number: int) -> None:
    handle = await client.start(flows.order, str(folder), number, id=run_of(number))
    for message, value in flows.messages_of(number):
        await client.signal(run_of(number), flows.MESSAGES, value, message=message)
    await handle.result()
