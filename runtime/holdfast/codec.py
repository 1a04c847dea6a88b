"""How values become JSON and JSON becomes values, by their declared types: pydantic, no pickle.

One rule holds for every type: what comes back is what went in, or the value is refused before it is written.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from enum import Flag
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import SchemaSerializer, SchemaValidator, to_json
from pydantic_core.core_schema import EnumSchema

from holdfast._comparing import difference
from holdfast._plain import UNSURE, matcher_of, reader_of, writer_of
from holdfast.errors import ApprovalError, ForbiddenCallError, PayloadError, PayloadTooLargeError
from holdfast.history import Json, canonical

PAYLOAD_LIMIT = 2_000_000  # bytes of one argument, result, answer or heartbeat, before compression
_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants")
_BYTES = {"ser_json_bytes": "base64", "val_json_bytes": "base64", "ser_json_inf_nan": "constants"}
_CONFIGURED = frozenset({"model", "dataclass", "typed-dict"})
_SCALARS = frozenset({str, int, bool, float, type(None)})
_SMALL_INT = 2**62
_SMALL_TEXT = 10_000
_SURELY_ROOMY = 6 * _SMALL_TEXT + 2  # a control character takes six bytes
_TO_DO = (
    "Give a field that was added a default, give one that was renamed its old name as well "
    "(validation_alias=AliasChoices(…)), or bring the old type back"
)
_TYPED = "Return or pass a value of the declared type: payloads are typed JSON"
_UNTYPED = (
    "Declare its type, or pass what the other side needs to make the object, such as a path or an id: payloads are typed "
    "JSON"
)


class Plan:
    """Hold how values of one declared type are written and read; it is made once and used for every value."""

    __slots__ = (
        "adapter",
        "annotation",
        "is_any",
        "matches",
        "read",
        "scalar",
        "serializer",
        "validator",
        "write",
    )

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self.adapter = _adapter(annotation)
        self.scalar: type[Any] | None = None
        if annotation is None:
            self.scalar = type(None)
        elif isinstance(annotation, type) and annotation in _SCALARS:
            self.scalar = annotation
        self.is_any = annotation is Any
        schema = _prepared(self.adapter.core_schema)
        self.write, self.read, self.matches = (
            writer_of(schema),
            reader_of(schema),
            matcher_of(schema),
        )
        # What a class has compiled for itself is not used: its bytes would be text, and its sets in any order.
        self.validator = SchemaValidator(schema, _BYTES, _use_prebuilt=False)  # type: ignore[arg-type]
        self.serializer = SchemaSerializer(schema, _BYTES, _use_prebuilt=False)  # type: ignore[arg-type]

    def dump(self, value: Any) -> Json:
        """Return a value as JSON; computed fields are left out, the code computes them again."""
        tree: Json = self.serializer.to_python(
            value, mode="json", by_alias=True, warnings="error", exclude_computed_fields=True
        )
        return tree

    def load(self, data: bytes) -> Any:
        """Return the value of JSON text; a field may be called by its name or by its alias."""
        return self.validator.validate_json(data, by_alias=True, by_name=True)


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=_CONFIG)
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
        return TypeAdapter(annotation)  # it carries its own configuration


def _prepared(schema: Any) -> Any:
    """Return a core schema with bytes as base64, and with the members of a set in one order whatever the hash seed."""
    if isinstance(schema, list | tuple):
        return type(schema)(_prepared(part) for part in schema)
    if not isinstance(schema, dict) or type(schema) is not dict:
        return schema
    made = {key: _prepared(part) if key != "metadata" else part for key, part in schema.items()}
    kind = schema.get("type")
    if kind in _CONFIGURED and ("cls" in schema or "fields" in schema):
        made["config"] = {**_BYTES, **(schema.get("config") or {})}
    if kind == "dataclass":
        _refuse_init_vars(schema["cls"])
    if "now_op" in schema:
        raise PayloadError(
            f"a {kind} that must lie in the {schema['now_op']} is held against the clock whenever it is read, and in a "
            f"replay it is another time; declare {kind}, and compare with workflow.now()"
        )
    if kind == "generator":
        raise PayloadError("an iterator can be read only once; declare a list, or a Sequence")
    if kind in {"set", "frozenset"} and "items_schema" in schema and "serialization" not in schema:
        made["serialization"] = {
            "type": "function-wrap", "function": _sorted, "schema": dict(made), "when_used": "json"
        }  # fmt: skip
    return made


def _sorted(value: Any, dump: Any) -> Any:
    return sorted(dump(value), key=lambda item: to_json(item, inf_nan_mode="constants"))


def _refuse_init_vars(kind: type[Any]) -> None:
    kept = {field.name for field in dataclasses.fields(kind)}
    declared = getattr(kind, "__dataclass_fields__", {})
    for name, field in declared.items():
        # A class variable is no part of a value either way; what is left is what __init__ takes and drops.
        is_dropped = isinstance(field.type, dataclasses.InitVar) or "InitVar" in str(field.type)
        if name not in kept and is_dropped:
            raise PayloadError(
                f"{kind.__name__}.{name} is an InitVar, which the object does not keep; make it a field"
            )


@lru_cache(maxsize=4096)
def _cached_plan(annotation: Any, _text: str) -> Plan:
    return Plan(annotation)


def plan_of(annotation: Any, *, what: str) -> Plan:
    """Return how a type is written and read, or raise `PayloadError` for a type that cannot be."""
    try:
        # The text tells `int | str` from `str | int`, which are equal and do not read the same JSON alike.
        return _cached_plan(annotation, repr(annotation))
    except TypeError:  # an annotation that cannot be hashed, such as Annotated[int, []]
        return Plan(annotation)
    except Exception as error:
        raise PayloadError(
            f"{what} is declared as {describe_type(annotation)}, which cannot be a payload: {_first_line(error)}. "
            "Payloads are data: models, dataclasses, containers, numbers, texts, times. Pass what the other side needs "
            "to make the object, for example a path, a URL or an id."
        ) from error


def encode(
    value: Any, annotation: Any, *, what: str, limit: int | None = None, loose: bool = False
) -> Json:
    """Turn a value into JSON by its declared type.

    Args:
        value: The value.
        annotation: Its declared type.
        what: What errors call it.
        limit: How many bytes its JSON may have.
        loose: Keep the JSON of a value that would come back as something else, for what only people read.
    """
    return encode_by(plan_of(annotation, what=what), value, what=what, limit=limit, loose=loose)


def encode_by(
    plan: Plan, value: Any, *, what: str, limit: int | None = None, loose: bool = False
) -> Json:
    """Turn a value into JSON by the plan of its declared type; see `encode`."""
    is_roomy = limit is None or limit > _SURELY_ROOMY
    if type(value) is plan.scalar and is_roomy and _is_plain(value):
        return value  # type: ignore[no-any-return]
    if plan.write is not None and not loose:
        short: Json = plan.write(value)
        if short is not UNSURE and (limit is None or len(to_json(short)) <= limit):
            return short
    try:
        tree = _ordered(value, plan.dump(value)) if loose else plan.dump(value)
        data = (
            json.dumps(tree, allow_nan=False, ensure_ascii=False).encode()
            if loose
            else to_json(tree)
        )
        lost = None if loose else difference(value, plan.load(data))
    except ForbiddenCallError:
        raise
    except Exception as error:
        raise _refused(value, plan, what, _reason(error)) from error
    if lost is not None:
        raise _refused(value, plan, what, lost)
    if limit is not None and len(data) > limit:
        raise PayloadTooLargeError(
            f"{what} is {len(data):,} bytes as JSON; the limit is {limit:,}. Store the content elsewhere, in a file or "
            "an object store, and pass a reference to it; Client(payload_limit=…) raises the limit."
        )
    return tree


def _ordered(value: Any, tree: Json) -> Json:
    """Return the JSON of a value of no declared type with the members of each set in one order."""
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


def _is_plain(value: Any) -> bool:
    match value:
        case str():
            return len(value) < _SMALL_TEXT and value.isascii()
        case float():
            return math.isfinite(value)
        case bool() | None:
            return True
        case _:
            return bool(-_SMALL_INT < value < _SMALL_INT)


def _refused(value: Any, plan: Plan, what: str, reason: str) -> PayloadError:
    advice = _UNTYPED if plan.is_any else _TYPED
    return PayloadError(
        f"{what} cannot be encoded as {describe_type(plan.annotation)}: {reason}. It is a {type(value).__name__}. "
        f"{advice}, and what comes back must be what went in."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError) or "surrogates not allowed" in str(error):
        return (
            "it holds half a character (a lone surrogate), which no file and no database can store"
        )
    if isinstance(error, RecursionError) or any(
        word in str(error).lower() for word in ("recursion", "maximum serialization depth")
    ):
        return "it is nested too deeply, or contains itself"
    text = _validation_text(error)
    return f"it could not be read back: {text}" if isinstance(error, ValidationError) else text


def encode_as(
    value: Any, annotation: Any, *, what: str, call: str, limit: int | None = None
) -> Json:
    """Turn a value into JSON by the type that was given with it, if any, so that whoever reads it as that has it back.

    Without a type a model or dataclass has its own; anything else must come back from plain JSON as what it was.
    `call` is how the type is given.
    """
    if annotation is None:
        own = isinstance(value, BaseModel) or dataclasses.is_dataclass(value)
        annotation = type(value) if own else Any
    try:
        return encode(value, annotation, what=what, limit=limit)
    except PayloadTooLargeError:
        raise
    except PayloadError as error:
        if annotation is not Any:
            raise
        advice = f"Say its type, for example {call}, and read it as that: payloads are typed JSON"
        raise PayloadError(error.message.replace(_UNTYPED, advice)) from error


def decode(tree: Json, annotation: Any, *, what: str) -> Any:
    """Turn JSON into a value of the declared type; `what` names the value in the error."""
    return decode_by(plan_of(annotation, what=what), tree, what=what)


def decode_by(plan: Plan, tree: Json, *, what: str) -> Any:
    """Turn JSON into a value by the plan of its declared type."""
    if type(tree) is plan.scalar:
        return tree
    if plan.read is not None:
        value = plan.read(tree)
        if value is not UNSURE:
            return value
    try:
        return plan.load(to_json(tree))
    except ForbiddenCallError:
        raise
    except Exception as error:
        raise PayloadError(
            f"{what} does not decode as {describe_type(plan.annotation)}: {_validation_text(error)}. "
            f"Recorded: {short(tree)}. {_TO_DO}."
        ) from error


def schema_of(annotation: Any) -> dict[str, Json]:
    """Return the JSON schema of a valid answer of this type."""
    return plan_of(annotation, what="The answer").adapter.json_schema(schema_generator=_Schemas)


class _Schemas(GenerateJsonSchema):
    def enum_schema(self, schema: EnumSchema) -> dict[str, Any]:
        """Let members of a flag be combined: the sum of two is none of their values."""
        made = super().enum_schema(schema)
        if issubclass(schema["cls"], Flag):
            made.pop("enum", None)
        return made


@lru_cache(maxsize=4096)
def _message_schema(annotation: Any, _text: str) -> dict[str, Json] | None:
    try:
        return schema_of(annotation)
    except (PydanticUserError, PayloadError):
        return None  # a type whose valid JSON no schema describes: the run judges what comes


def schemas_of(types: Mapping[str, Any]) -> dict[str, Json]:
    """Return the JSON schemas of messages by their types, without those that have none."""
    made: dict[str, Json] = {}
    for name, annotation in types.items():
        try:
            schema = _message_schema(annotation, repr(annotation))
        except TypeError:  # an annotation that cannot be hashed
            schema = None
        if schema is not None:
            made[name] = schema
    return made


def describe_type(annotation: Any) -> str:
    """Return the short name of a type."""
    if getattr(annotation, "__args__", None):  # list[int], whose __name__ is list
        return str(annotation).removeprefix("typing.")
    return getattr(annotation, "__name__", None) or str(annotation).removeprefix("typing.")


def short(tree: Json, limit: int = 120) -> str:
    """Return JSON as text of at most `limit` characters, for errors."""
    try:
        text = json.dumps(tree, ensure_ascii=False)
    except (
        TypeError,
        ValueError,
        RecursionError,
    ):  # what cannot be JSON must not hide the error that shows it
        text = f"<{type(tree).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _first_line(error: Exception) -> str:
    """Return what an error of pydantic says, without its heading and without advice that does not apply here."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if line != "Pydantic serializer warnings:"]
    first = (lines or [type(error).__name__])[0].partition(" Set `arbitrary_types")[0]
    return first.replace(
        "Unable to generate pydantic-core schema for", "there is no JSON for"
    ).rstrip(".")


def _validation_text(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return _first_line(error)
    problems = error.errors(include_url=False)
    shown = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}{_found(problem)}"
        for problem in problems[:3]
    ]
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""  # noqa: PLR2004 - what a person reads
    return "; ".join(shown) + more


def _found(problem: Any) -> str:
    return "" if problem["type"] == "missing" else f", found {short(problem['input'], 40)}"


def check_answer(answer: Any, schema: Any, *, what: str, limit: int | None = None) -> Json:
    """Return an answer as JSON once it fits the schema that was recorded with the question.

    The process that answers, a dashboard for example, need not have the code that asks: so the schema judges.
    """
    tree = encode(answer, Any, what=what, limit=limit, loose=True)
    problem = misfit(tree, schema, whole="the answer", formats=True)
    if problem is not None:
        raise ApprovalError(f"{what} does not fit: {problem}. Nothing was written.")
    return tree


def misfit(tree: Json, schema: Any, *, whole: str, formats: bool = False) -> str | None:
    """Return where and why JSON does not fit a schema, or None; `whole` is what all of it is called.

    `formats` are for what people type: they are stricter than types, which take a time without a zone.
    """
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - 0.1 s that only deciding pays

    problems = sorted(
        Draft202012Validator(
            schema, format_checker=FormatChecker() if formats else None
        ).iter_errors(tree),
        key=lambda problem: [str(part) for part in problem.path],
    )
    if not problems:
        return None
    place = ".".join(str(part) for part in problems[0].path) or whole
    return f"{place}: {problems[0].message}"
