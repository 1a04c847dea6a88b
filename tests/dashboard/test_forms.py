"""JSON schemas become controls, and controls become answers."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter

from holdfast.codec import check_answer, schema_of
from holdfast_dashboard.forms import Field, fields_of, filled, parse


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Inner(BaseModel):
    names: list[str]


@dataclass
class Everything:
    approved: bool
    urgent: bool | None
    count: int
    share: float
    level: Level
    tone: Literal["warm", "cold"] | None
    day: date
    inner: Inner
    either: int | str
    reason: str = "none given"
    tags: list[str] | None = None


def by_key(annotation: Any) -> dict[str, Field]:
    return {field.key: field for field in fields_of(schema_of(annotation))}


def test_each_type_gets_the_control_that_a_person_expects() -> None:
    fields = by_key(Everything)

    assert {key: field.kind for key, field in fields.items()} == {
        "approved": "buttons",
        "urgent": "radio",
        "count": "integer",
        "share": "number",
        "level": "select",
        "tone": "select",
        "day": "line",
        "inner": "json",
        "either": "json",
        "reason": "lines",
        "tags": "json",
    }
    assert [option.label for option in fields["approved"].options] == ["Approve", "Reject"]
    assert [option.label for option in fields["urgent"].options] == ["Yes", "No", "No answer"]
    assert fields["day"].input_type == "date"
    assert fields["reason"].value == "none given"


def test_a_filled_form_is_an_answer_that_its_type_accepts() -> None:
    fields = fields_of(schema_of(Everything))
    answer = parse(
        fields,
        {
            "answer.approved": "true",
            "answer.urgent": "null",
            "answer.count": "3",
            "answer.share": "0.5",
            "answer.level": "2",
            "answer.tone": "",
            "answer.day": "2026-02-03",
            "answer.inner": '{"names": ["a"]}',
            "answer.either": "7",
            "answer.reason": "two\r\nlines",
            "answer.tags": "",
        },
    )

    assert answer.errors == {}
    tree = check_answer(answer.value, schema_of(Everything), what="The answer")
    made = TypeAdapter(Everything).validate_python(tree)
    assert made == Everything(
        approved=True, urgent=None, count=3, share=0.5, level=Level.HIGH, tone=None, day=date(2026, 2, 3),
        inner=Inner(names=["a"]), either=7, reason="two\nlines",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "kind", "text", "value"),
    [
        (bool, "buttons", "false", False),
        (int, "integer", "-4", -4),
        (str, "lines", "", ""),
        (Literal["a", "b"], "select", '"b"', "b"),
        (list[int], "json", "[1, 2]", [1, 2]),
        (dict[str, int], "json", '{"a": 1}', {"a": 1}),
        (int | None, "integer", "", None),
    ],
)
def test_an_answer_that_is_no_object_is_one_control(
    annotation: Any, kind: str, text: str, value: Any
) -> None:
    [field] = fields_of(schema_of(annotation))

    assert (field.name, field.kind) == ("answer", kind)
    assert parse((field,), {"answer": text}).value == value


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("approved", "yes", "Choose one of the answers."),
        ("count", "2.5", "Write a whole number, such as 3."),
        ("count", "", "Write a whole number, such as 3."),
        ("share", "nan", "Write a number, such as 2.5."),
        ("share", "1e999", "Write a number, such as 2.5."),
        ("level", "9", "Choose one of the answers."),
        ("inner", "{'a'}", "Write JSON"),
        ("either", "NaN", "Write JSON: NaN is not JSON."),
        ("inner", "[" * 200_000, "Write JSON"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_control(key: str, text: str, sentence: str) -> None:
    fields = fields_of(schema_of(Everything))
    errors = parse(fields, {f"answer.{key}": text}).errors

    assert errors[f"answer.{key}"].startswith(sentence)
    shown = {field.key: field for field in filled(fields, {f"answer.{key}": text}, errors)}
    assert (shown[key].value, shown[key].error) == (text, errors[f"answer.{key}"])


def test_an_optional_property_left_empty_is_left_out() -> None:
    class Comment(BaseModel):
        text: str = ""
        stars: int = 5

    fields = fields_of(schema_of(Comment))

    assert parse(fields, {"answer.stars": "4"}).value == {"stars": 4}


def test_a_schema_that_means_nothing_is_a_text_of_json() -> None:
    for schema in (
        {},
        {"$ref": "#/$defs/Gone"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
    ):
        [field] = fields_of(schema)
        assert field.kind == "json"
