"""The generator of a run, which payloads cannot advance."""

import random
import uuid
from typing import Any


class RunRandom(random.Random):  # noqa: S311 - repeatable on purpose
    """Draw what only the seed decides, as `random.Random` does.

    What is drawn while it is held is taken back at the release. Code of a payload's type may draw while it is written
    and read back for a check, and how often that is done differs between a live turn and a replay.
    """

    _held = False
    _before: Any = None

    def hold(self) -> None:
        """Take back what is drawn from here on."""
        self._held = True

    def release(self) -> None:
        """Be as before `hold`."""
        self._held = False
        if self._before is not None:
            self.setstate(self._before)
            self._before = None

    def random(self) -> float:
        """Return the next number from 0 up to 1."""
        self._note()
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        """Return the next `k` bits."""
        self._note()
        return super().getrandbits(k)

    def uuid4(self) -> uuid.UUID:
        """Return the next random UUID."""
        return uuid.UUID(int=self.getrandbits(128), version=4)

    def _note(self) -> None:
        if self._held and self._before is None:  # the state is large, and hardly any payload draws
            self._before = self.getstate()
