"""Signals that have come to a run, in order, and the tasks that wait for them."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable

from holdfast.history import SignalReceived


class Mailbox:
    """Keep every signal until code takes it; a task that is cancelled while it waits takes none."""

    def __init__(
        self, create_future: Callable[[], asyncio.Future[None]], discarded: frozenset[int]
    ) -> None:
        self._create_future = create_future
        self._discarded = discarded  # turns of letters that nobody is to read
        self._letters: defaultdict[str, deque[SignalReceived]] = defaultdict(deque)
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)
        self.names: set[str] = set()

    def put(self, letter: SignalReceived) -> None:
        """Keep a signal and wake the task that has waited longest for one of its name."""
        self._letters[letter.name].append(letter)
        self._wake(letter.name)

    def take_now(self, name: str) -> SignalReceived | None:
        """Return the oldest signal of a name, or None when there is none."""
        self.names.add(name)
        letters = self._readable(name)
        return letters.popleft() if letters else None

    async def take(self, name: str) -> SignalReceived:
        """Wait for the oldest signal of a name."""
        self.names.add(name)
        while not (letters := self._readable(name)):
            turn = self._create_future()
            self._waiting[name].append(turn)
            try:
                await turn
            except BaseException:
                if turn in self._waiting[name]:
                    self._waiting[name].remove(turn)
                elif letters:  # it was woken and then cancelled: the signal is for the next
                    self._wake(name)
                raise
        return letters.popleft()

    def _readable(self, name: str) -> deque[SignalReceived]:
        """Return the letters of a name with one at the head that may be read, if there is any."""
        letters = self._letters[name]
        while letters and letters[0].turn in self._discarded:
            letters.popleft()
        return letters

    def _wake(self, name: str) -> None:
        while self._waiting[name]:
            waiting = self._waiting[name].popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    def unread(self) -> list[SignalReceived]:
        """Return the signals that nobody has taken, in the order in which they came."""
        kept = [letter for letters in self._letters.values() for letter in letters]
        left = [letter for letter in kept if letter.turn not in self._discarded]
        return sorted(left, key=lambda letter: letter.turn)
