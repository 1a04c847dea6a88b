"""How values become payloads and payloads become values: pydantic to JSON, no pickle."""

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import to_json

from holdfast.errors import ApprovalError, ArgumentError, PayloadError
from holdfast.history import Json, canonical

MAX_PAYLOAD_BYTES = 2_000_000
_JSON = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants")


@functools.lru_cache(maxsize=4096)
def _cached_adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=_JSON)
    except PydanticUserError:  # models, dataclasses and typed dicts carry their own configuration
        return TypeAdapter(annotation)


def adapter_of(annotation: Any) -> TypeAdapter[Any]:
    """Return the pydantic adapter of a type; the same type gives the same adapter where it can be hashed."""
    try:
        return _cached_adapter(annotation)
    except TypeError:  # an annotation that cannot be hashed, such as Annotated[int, []]
        return TypeAdapter(annotation)


def encode(value: Any, annotation: Any, *, what: str) -> Json:
    """Turn a value into JSON by its declared type; `what` names the value in the error."""
    return _encoded(value, annotation, what=what)[0]


def encode_readable(value: Any, annotation: Any, *, what: str) -> Json:
    """Do as `encode`, and check that the JSON can be decoded: what cannot be read back must not be written."""
    tree, text = _encoded(value, annotation, what=what)
    _decoded(text, annotation, what=what)
    return tree


def _encoded(value: Any, annotation: Any, *, what: str) -> tuple[Json, bytes]:
    try:
        dumped = adapter_of(annotation).dump_python(
            value, mode="json", by_alias=True, warnings="error"
        )
        tree = _ordered(value, dumped)
        text = to_json(tree)
        if b"NaN" in text or b"Infinity" in text:
            canonical(tree)  # which refuses the numbers of these names
        size = len(text)
    except Exception as error:
        raise PayloadError(
            f"{what} cannot be encoded as {describe_type(annotation)}: {_first_line(error)}. "
            "Payloads are typed JSON: return or pass a value of the declared type."
        ) from error
    if size > MAX_PAYLOAD_BYTES:
        raise PayloadError(
            f"{what} is {size:,} bytes; the limit is {MAX_PAYLOAD_BYTES:,}. Store it elsewhere and pass a reference to it."
        )
    return tree, text


def _ordered(value: Any, tree: Json) -> Json:
    """Return the JSON of a value with the members of each set in one order, whatever the hash seed."""
    if not _has_list(tree):
        return tree  # and so no set is in it
    match value, tree:
        case set() | frozenset(), list():
            return sorted(tree, key=canonical)
        case list() | tuple(), list() if len(value) == len(tree):
            return [_ordered(item, part) for item, part in zip(value, tree, strict=True)]
        case dict(), dict() if len(value) == len(tree):
            return {
                key: _ordered(item, tree[key])
                for key, item in zip(tree, value.values(), strict=True)
            }
        case _, dict():
            fields = getattr(value, "__dict__", {})
            return {
                key: _ordered(fields[key], part) if key in fields else part
                for key, part in tree.items()
            }
        case _:
            return tree


def _has_list(tree: Json) -> bool:
    if not isinstance(tree, dict):
        return isinstance(tree, list)
    for part in tree.values():  # noqa: SIM110 - asked of every payload, and any() takes twice as long
        if isinstance(part, (list, dict)) and _has_list(part):
            return True
    return False


def decode(tree: Json, annotation: Any, *, what: str) -> Any:
    """Turn JSON into a value of the declared type; `what` names the value in the error."""
    try:
        text = to_json(tree)
    except Exception:  # noqa: BLE001 - such as half a surrogate pair, which only the standard library can write
        text = json.dumps(tree).encode()
    return _decoded(text, annotation, what=what)


def _decoded(text: bytes, annotation: Any, *, what: str) -> Any:
    try:
        return adapter_of(annotation).validate_json(text)
    except Exception as error:
        raise PayloadError(
            f"{what} does not decode as {describe_type(annotation)}: {_validation_text(error)}."
        ) from error


def pack(tree: Any) -> bytes:
    """Return the bytes that are stored for a payload."""
    # Not sorted: a form shows the fields of an answer in the order in which its type declares them.
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def unpack(data: bytes) -> Any:
    """Return the payload of stored bytes, as JSON."""
    try:
        return json.loads(data)
    except (ValueError, TypeError) as error:
        raise PayloadError(
            f"A stored payload is damaged: {_first_line(error)}. The database was edited by hand, or its file is damaged."
        ) from None


def schema_of(annotation: Any) -> dict[str, Json]:
    """Return the JSON schema of a valid answer of this type."""
    return adapter_of(annotation).json_schema()


def describe_type(annotation: Any) -> str:
    """Return the short name of a type."""
    return getattr(annotation, "__name__", None) or str(annotation).removeprefix("typing.")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _validation_text(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return _first_line(error)
    problems = error.errors(include_url=False, include_input=False)
    shown = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"
        for problem in problems[:3]
    ]
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""  # noqa: PLR2004 - what a person reads
    return "; ".join(shown) + more


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Hold what is needed to encode the arguments of one function and to decode its result."""

    name: str
    parameters: inspect.Signature
    types: tuple[Any, ...]
    returns: Any
    labels: tuple[str, ...]  # what an error calls each argument
    result_label: str

    def encode_args(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Json]:
        """Bind and encode the arguments of a call, defaults included, or raise `ArgumentError`."""
        values = args
        if kwargs or len(args) != len(self.types):
            try:
                bound = self.parameters.bind(*args, **kwargs)
            except TypeError as error:
                raise ArgumentError(
                    f"{self.name}{self.parameters} cannot be called so: {error}."
                ) from None
            bound.apply_defaults()
            values = tuple(bound.arguments[name] for name in self.parameters.parameters)
        return [
            encode_readable(value, annotation, what=label)
            for label, annotation, value in zip(self.labels, self.types, values, strict=True)
        ]

    def decode_args(self, trees: list[Json]) -> list[Any]:
        """Decode recorded arguments; those added since, with a default, are filled in by the call itself."""
        if len(trees) > len(self.types):
            raise PayloadError(
                f"{self.name}{self.parameters} takes {len(self.types)} arguments and {len(trees)} are recorded. "
                "A removed parameter cannot be dropped silently: bring it back, with a default if you like."
            )
        return [
            decode(tree, annotation, what=label)
            for label, annotation, tree in zip(self.labels, self.types, trees, strict=False)
        ]

    def encode_result(self, value: Any) -> Json:
        """Encode what the function returned."""
        return encode_readable(value, self.returns, what=self.result_label)

    def decode_result(self, tree: Json) -> Any:
        """Decode a recorded result."""
        return decode(tree, self.returns, what=self.result_label)


def signature_of(fn: Callable[..., Any], *, name: str) -> Signature:
    """Read the signature of a function, or raise `ArgumentError` when it cannot be called by position."""
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
    types = tuple(hints.get(parameter, Any) for parameter in parameters.parameters)
    return Signature(
        name=name, parameters=parameters, types=types, returns=hints.get("return", Any),
        labels=tuple(f"Argument {parameter!r} of {name}" for parameter in parameters.parameters),
        result_label=f"The result of {name}",
    )  # fmt: skip


def check_answer(answer: Any, schema: Any, *, what: str) -> Json:
    """Return an answer as JSON once it fits the schema that was recorded with the question.

    The process that answers, a dashboard for example, need not have the code that asks: so the schema judges.
    """
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - 0.1 s that only deciding pays

    tree = encode(answer, Any, what=what)
    problems = sorted(
        Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(tree),
        key=lambda problem: list(problem.path),
    )
    if problems:
        first = problems[0]
        place = ".".join(str(part) for part in first.path) or "the answer"
        raise ApprovalError(f"{what} does not fit: {place}: {first.message}. Nothing was written.")
    return tree
