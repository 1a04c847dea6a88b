"""A form from the JSON schema of an answer, and the answer from the form. Pure.

A property becomes one control. What has no plain control (nested objects, lists, unions) becomes a text of JSON,
so every answer that the schema allows can be given.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from holdfast.history import Json, canonical

_DEPTH = 8
_LINE = 120  # a string that may be longer gets several lines
_ANSWER = "answer"
_INPUTS = {"date": "date", "email": "email", "uri": "url"}
_NO_ANSWER = "null"
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Offer one value; `value` is its JSON text."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Describe one control: `kind` is buttons, radio, select, line, lines, integer, number or json.

    `key` is the property that it fills; empty when it is the whole answer. `input_type` refines a line.
    """

    name: str
    key: str
    label: str
    kind: str
    required: bool = True
    nullable: bool = False
    help: str = ""
    input_type: str = "text"
    options: tuple[Option, ...] = ()
    default: str = ""
    minimum: float | None = None
    maximum: float | None = None
    value: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what a form says: an answer, or errors by the name of the field."""

    value: Json
    errors: dict[str, str]


class _UnreadableError(ValueError):
    """Say what a control's text should have been."""


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """Return the controls for an answer of this schema."""
    whole = _resolve(schema, schema)
    properties = whole.get("properties")
    if whole.get("type") == "object" and isinstance(properties, Mapping):
        required = [key for key in whole.get("required", ()) if key in properties]
        keys = dict.fromkeys(
            [*required, *properties]
        )  # a stored schema keeps the order of `required` alone
        fields = tuple(
            _field(properties[key], schema, key=key, required=key in required) for key in keys
        )
        return _one_choice_of_buttons(fields)
    field = _field(schema, schema, key="", required=True)
    if field.kind == "radio" and not field.nullable:
        field = replace(field, kind="buttons")
    return (replace(field, label="Answer"),)


def parse(fields: tuple[Field, ...], given: Mapping[str, str]) -> Answer:
    """Read the answer from what a form sent."""
    values: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for field in fields:
        text = given.get(field.name, "").replace("\r\n", "\n")
        if _left_out(field, text):
            continue
        try:
            values[field.key] = _value(field, text)
        except _UnreadableError as error:
            errors[field.name] = str(error)
    whole = fields[0].key == "" if fields else False
    return Answer(value=values.get("") if whole else values, errors=errors)


def filled(
    fields: tuple[Field, ...], given: Mapping[str, str], errors: Mapping[str, str]
) -> tuple[Field, ...]:
    """Return the controls holding what was sent, with what is wrong with it."""
    return tuple(
        replace(field, value=given.get(field.name, ""), error=errors.get(field.name, ""))
        for field in fields
    )


def _one_choice_of_buttons(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Let `approved` be the two buttons that send the form."""
    return tuple(
        replace(
            field,
            kind="buttons",
            options=(Option(value="true", label="Approve"), Option(value="false", label="Reject")),
        )
        if field.key == "approved" and field.kind == "radio" and not field.nullable
        else field
        for field in fields
    )


def _resolve(schema: Schema, root: Schema) -> dict[str, Any]:
    """Follow references and wrappers of one, keeping what is said beside them."""
    found = dict(schema)
    for _ in range(_DEPTH):
        inner = _reference(found, root)
        if inner is None:
            return found
        beside = {key: value for key, value in found.items() if key not in {"$ref", "allOf"}}
        found = {**inner, **beside}
    return found


def _reference(schema: Schema, root: Schema) -> Schema | None:
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith("#/$defs/"):
        inner = root.get("$defs", {}).get(target.removeprefix("#/$defs/"))
        return inner if isinstance(inner, Mapping) else None
    parts = schema.get("allOf")
    return parts[0] if isinstance(parts, list) and len(parts) == 1 else None


def _field(schema: Schema, root: Schema, *, key: str, required: bool) -> Field:
    found, nullable = _without_null(_resolve(schema, root), root)
    field = Field(
        name=f"{_ANSWER}.{key}" if key else _ANSWER,
        key=key,
        label=_label(found, key),
        kind="json",
        required=required,
        nullable=nullable,
        help=str(found.get("description", "")) if key else "",
    )
    field = _typed(field, found)
    default = _shown(field, schema.get("default", found.get("default")))
    return replace(field, default=default, value=default)


def _without_null(schema: dict[str, Any], root: Schema) -> tuple[dict[str, Any], bool]:
    branches = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(branches, list):
        return schema, False
    others = [branch for branch in branches if branch.get("type") != "null"]
    nullable = len(others) < len(branches)
    if len(others) != 1:
        return {key: value for key, value in schema.items() if key != "type"}, nullable
    beside = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
    return {**_resolve(others[0], root), **beside}, nullable


def _label(schema: Schema, key: str) -> str:
    generated = key.replace("_", " ").title()
    title = schema.get("title")
    plain = key.replace("_", " ").capitalize()
    return title if isinstance(title, str) and title != generated and key else plain


def _typed(field: Field, schema: Schema) -> Field:
    options = _options(schema)
    if options is not None:
        return replace(field, kind="select", options=options)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    match schema.get("type"):
        case "boolean":
            none = (Option(value=_NO_ANSWER, label="No answer"),) if field.nullable else ()
            yes_no = (Option(value="true", label="Yes"), Option(value="false", label="No"))
            return replace(field, kind="radio", options=yes_no + none)
        case "integer" | "number" as kind:
            return replace(field, kind=kind, minimum=low, maximum=high)
        case "string":
            return _string(field, schema)
        case _:
            return field


def _string(field: Field, schema: Schema) -> Field:
    if schema.get("format") in _INPUTS:
        return replace(field, kind="line", input_type=_INPUTS[schema["format"]])
    short = schema.get("format") is not None or schema.get("maxLength", _LINE + 1) <= _LINE
    return replace(field, kind="line" if short else "lines")


def _options(schema: Schema) -> tuple[Option, ...] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list) or any(isinstance(value, (dict, list)) for value in values):
        return None
    return tuple(
        Option(value=canonical(value), label="none" if value is None else str(value))
        for value in values
    )


def _shown(field: Field, default: Json) -> str:
    """Return how a default stands in its control."""
    if default is None:
        return _NO_ANSWER if field.kind == "radio" and field.nullable and not field.required else ""
    if field.kind in {"line", "lines"}:
        return str(default)
    if field.kind == "json":
        return json.dumps(default, ensure_ascii=False, indent=2)
    return canonical(default)


def _left_out(field: Field, text: str) -> bool:
    """Tell whether an empty control means that the answer does not have the property."""
    return not text.strip() and not field.required and not field.default


def _value(field: Field, text: str) -> Json:
    if field.kind in {"line", "lines"}:
        return None if field.nullable and not text else text
    if field.nullable and not text.strip():
        return None
    match field.kind:
        case "integer" | "number":
            return _number(text, whole=field.kind == "integer")
        case "json":
            return _json(text)
        case _:
            return _chosen(field, text)


def _chosen(field: Field, text: str) -> Json:
    if text not in {option.value for option in field.options}:
        raise _UnreadableError("Choose one of the answers.")
    value: Json = json.loads(text)
    return value


def _number(text: str, *, whole: bool) -> Json:
    try:
        return int(text) if whole else _finite(float(text))
    except (ValueError, OverflowError):
        raise _UnreadableError(
            "Write a whole number, such as 3." if whole else "Write a number, such as 2.5."
        ) from None


def _finite(number: float) -> float:
    if number - number != 0:
        raise ValueError("not a finite number")
    return number


def _json(text: str) -> Json:
    if not text.strip():
        raise _UnreadableError("Write the answer as JSON.")
    try:
        value: Json = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _UnreadableError(f"Write JSON: {error}.") from None
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
