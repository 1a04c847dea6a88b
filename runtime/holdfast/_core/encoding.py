"""How a run encodes the payloads of its commands: within the limit, and comparable with what was recorded."""

from collections.abc import Callable
from typing import Any, TypeVar

from holdfast._signatures import Signature
from holdfast.errors import HoldfastError, PayloadTooLargeError
from holdfast.history import Command, CompleteRun, Json, ScheduleActivity

R = TypeVar("R")


class Encoding:
    """Encode what workflow code passes on; `limit` is how long a payload may be, and holds while a turn is `live`."""

    def __init__(self, own: Signature, stop_on: Callable[[BaseException], None]) -> None:
        self.limit: int | None = None
        self.live = False
        self._own = own
        self._stop_on = stop_on
        self._called: dict[str, Signature] = {}

    def limited(self, encode: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Encode a payload; one that is too long stops the turn, even where code catches the error.

        So nothing beyond the limit is ever recorded, and replay need not know what the limit was.
        """
        try:
            return encode(*args, limit=self.limit if self.live else None, **kwargs)
        except PayloadTooLargeError as error:
            self._stop_on(error)
            raise

    def args(
        self, signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Json]:
        """Encode the arguments of a call."""
        self._called[signature.name] = signature
        return self.limited(signature.encode_args, args, kwargs)

    def complete(self, recorded: Command) -> Json:
        """Return the payload of a recorded command as today's types read it, or None where they cannot."""
        try:
            match recorded:
                case ScheduleActivity() if recorded.name in self._called:
                    return list(self._called[recorded.name].completed_args(recorded.args))
                case CompleteRun():
                    return self._own.completed_result(recorded.result)
        except HoldfastError:
            pass  # then what differs is shown without saying which of it are defaults
        return None
