"""What is needed to encode the arguments of one function and to decode its result."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from operator import call
from typing import Any, get_type_hints

from holdfast._plain import Pair
from holdfast.codec import Plan, decode_by, encode_by, plan_of
from holdfast.errors import ArgumentError, ForbiddenCallError, PayloadError
from holdfast.history import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Hold what is needed to encode the arguments of one function and to decode its result."""

    name: str
    parameters: inspect.Signature
    arguments: tuple[tuple[str, Plan], ...]
    returns: Plan
    result: str
    matchers: tuple[Pair, ...] | None  # of the arguments, when all are of plain types

    def encode_args(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, limit: int | None = None
    ) -> list[Json]:
        """Bind and encode the arguments of a call, defaults included, or raise `ArgumentError`."""
        values = args
        if kwargs or len(args) != len(self.arguments):
            try:
                bound = self.parameters.bind(*args, **kwargs)
            except TypeError as error:
                raise ArgumentError(
                    f"{self.name}{self.parameters} cannot be called so: {error}."
                ) from None
            bound.apply_defaults()
            values = tuple(bound.arguments.values())
        return [
            encode_by(plan, value, what=what, limit=limit)
            for (what, plan), value in zip(self.arguments, values, strict=True)
        ]

    def are_written(self, args: tuple[Any, ...], trees: list[Json]) -> bool:
        """Tell whether the arguments of a call are surely written as these; False is no answer."""
        matchers = self.matchers
        if matchers is None or not len(args) == len(trees) == len(matchers):
            return False
        return all(map(call, matchers, args, trees))

    def write_args(self, args: tuple[Any, ...]) -> list[Json] | None:
        """Return the arguments of a call as JSON, unchecked, or None where `encode_args` has something to say."""
        if len(args) != len(self.arguments):
            return None
        try:
            return [
                value if type(value) is plan.scalar else plan.dump(value)
                for (_, plan), value in zip(self.arguments, args, strict=True)
            ]
        except ForbiddenCallError:
            raise
        except Exception:  # noqa: BLE001 - whatever a type's own code raises, the full way says what it was
            return None

    def decode_args(self, trees: list[Json]) -> list[Any]:
        """Decode recorded arguments; those added since, with a default, are filled in by the call itself."""
        if len(trees) > len(self.arguments):
            raise PayloadError(
                f"{self.name}{self.parameters} takes {len(self.arguments)} arguments and {len(trees)} are recorded. "
                "A removed parameter cannot be dropped silently: bring it back, with a default if you like."
            )
        return [
            decode_by(plan, tree, what=what)
            for (what, plan), tree in zip(self.arguments, trees, strict=False)
        ]

    def encode_result(self, value: Any, *, limit: int | None = None) -> Json:
        """Encode what the function returned."""
        return encode_by(self.returns, value, what=self.result, limit=limit)

    def decode_result(self, tree: Json) -> Any:
        """Decode a recorded result."""
        return decode_by(self.returns, tree, what=self.result)

    def completed_args(self, trees: list[Json]) -> list[Json]:
        """Return recorded arguments with the defaults that today's types have for what was not recorded."""
        return self.encode_args(tuple(self.decode_args(trees)), {})

    def completed_result(self, tree: Json) -> Json:
        """Return a recorded result with the defaults that today's type has for what was not recorded."""
        return self.encode_result(self.decode_result(tree))


def signature_of(fn: Callable[..., Any], *, name: str) -> Signature:
    """Read the signature of a function, or raise when it cannot be called by position or a type cannot be recorded."""
    parameters = inspect.signature(fn)
    for parameter in parameters.parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}:
            raise ArgumentError(
                f"{name}{parameters}: parameter {parameter} cannot be recorded. "
                "Use plain parameters: no *args, no **kwargs, nothing keyword-only."
            )
    try:
        hints = get_type_hints(fn, include_extras=True)
    except NameError as error:
        raise ArgumentError(f"{name}{parameters}: a type is not known here: {error}.") from None
    whats = {parameter: f"Argument {parameter!r} of {name}" for parameter in parameters.parameters}
    result = f"The result of {name}"
    arguments = tuple(
        (what, plan_of(hints.get(parameter, Any), what=what)) for parameter, what in whats.items()
    )
    matchers = tuple(plan.matches for _, plan in arguments if plan.matches is not None)
    return Signature(
        name=name,
        parameters=parameters,
        arguments=arguments,
        returns=plan_of(hints.get("return", Any), what=result),
        result=result,
        matchers=matchers if len(matchers) == len(arguments) else None,
    )
