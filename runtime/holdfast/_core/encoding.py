"""How a run encodes the payloads of its commands: within the limit, and comparable with what was recorded."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from holdfast._core.matcher import written_alike
from holdfast._core.randomness import RunRandom
from holdfast._signatures import Signature
from holdfast.errors import HoldfastError, PayloadError, PayloadTooLargeError
from holdfast.history import Command, CompleteRun, Json, ScheduleActivity

R = TypeVar("R")
_LOOK_AHEAD = 8  # recorded commands: calls of one turn come nearly in the order of their commands


class Encoding:
    """Encode what workflow code passes on; `limit` is how long a payload may be, and holds while a turn is `live`."""

    def __init__(
        self, own: Signature, stop_on: Callable[[BaseException], None], drawing: RunRandom
    ) -> None:
        self.limit: int | None = None
        self.live = False
        self._own = own
        self._stop_on = stop_on
        self._drawing = drawing
        self._called: dict[str, Signature] = {}
        self.recorded: Sequence[Command] = ()  # what the turn that is replayed asked for
        self._next = 0  # of the recorded commands, the one that is likely to be asked for next

    def limited(self, encode: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Encode a payload; one that is too long stops the turn, even where code catches the error.

        So nothing beyond the limit is ever recorded, and replay need not know what the limit was.
        """
        self._drawing.hold()
        try:
            return encode(*args, limit=self.limit if self.live else None, **kwargs)
        except PayloadTooLargeError as error:
            self._stop_on(error)
            raise
        finally:
            self._drawing.release()

    def args(
        self, signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Json]:
        """Encode the arguments of a call."""
        self._called[signature.name] = signature
        known = None if self.live else self._recorded_args(signature, args, kwargs)
        return self.limited(signature.encode_args, args, kwargs) if known is None else known

    def _recorded_args(
        self, signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Json] | None:
        """Return the recorded arguments of an activity that are written as these are, where there are any.

        When they were recorded, it was proved that they come back as they went in: that costs half of an encoding.
        """
        if kwargs:
            return None
        known = self._found(signature.name, partial(signature.are_written, args))
        if known is not None:
            return known
        self._drawing.hold()
        try:
            written = signature.write_args(args)
        finally:
            self._drawing.release()
        if written is None:
            return None
        return self._found(signature.name, partial(written_alike, written))

    def refusal(self, decode: Callable[[Json], Any], payload: Json) -> str | None:
        """Return why a payload does not decode, or None where it does: a trial, which replay does not make."""
        self._drawing.hold()
        try:
            decode(payload)
        except PayloadError as error:
            return error.message
        finally:
            self._drawing.release()
        return None

    def _found(self, name: str, is_alike: Callable[[list[Json]], bool]) -> list[Json] | None:
        """Return the arguments of the next recorded call of an activity whose arguments are alike."""
        start = self._next if self._next < len(self.recorded) else 0
        for number, command in enumerate(self.recorded[start : start + _LOOK_AHEAD], start + 1):
            if (
                type(command) is ScheduleActivity
                and command.name == name
                and is_alike(command.args)
            ):
                self._next = number
                return command.args
        return None

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
