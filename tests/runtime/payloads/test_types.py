"""What comes back from a payload is what went in, or it is refused before anything is written."""

import dataclasses
import datetime as dt
import enum
import os
import subprocess
import sys
import threading
import types
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, RootModel, computed_field

from holdfast import activity
from holdfast._comparing import difference
from holdfast._signatures import signature_of
from holdfast.codec import decode, encode, misfit, schemas_of
from holdfast.errors import PayloadError, PayloadTooLargeError
from holdfast.history import canonical

T = TypeVar("T")
UserId = NewType("UserId", int)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Base(BaseModel):
    a: int = 1


class Sub(Base):
    b: int = 2


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    good: bool


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    data: bytes = b""
    tags: set[str] = Field(default=set(), serialization_alias="Tags", validation_alias="Tags")

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def size(self) -> int:
        return len(self.data)


class Page(BaseModel, Generic[T]):
    items: list[T]


class Renamed(BaseModel):
    new: int = Field(validation_alias=AliasChoices("new", "old"))


class Point(NamedTuple):
    x: int
    y: str = "y"


@dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: tuple[int, ...] = ()


@dataclass
class Box(Generic[T]):
    value: T


@dataclass
class Initial:
    a: int
    b: dataclasses.InitVar[int] = 3


OSLO = dt.timezone(dt.timedelta(hours=2))
KEPT: list[tuple[Any, Any]] = [
    (2**80, int), (True, bool), (1, float), (1, int | float), (1.0, int | float), ("1", str | int), (1, str | int),
    (None, int | None), (b"", bytes), (b"\xff\x00", bytes), (Decimal("1.10"), Decimal), (Decimal("1E+5"), Decimal),
    (dt.datetime(2020, 1, 1, 1, 2, 3, 4), dt.datetime),  # noqa: DTZ001 - a naive one stays naive
    (dt.datetime(2020, 1, 1, tzinfo=OSLO), dt.datetime), (dt.date(2020, 1, 1), dt.date),
    (dt.time(1, 2, 3, 4), dt.time), (dt.timedelta(days=-3, microseconds=1), dt.timedelta),
    (uuid.UUID(int=5), uuid.UUID), (Path("a/b"), Path), (Colour.RED, Colour), (Level.LOW, Level),
    (Right.READ | Right.WRITE, Right), (Point(1), Point), ((1, "a"), tuple[int, str]), ((1, 2), tuple[int, ...]),
    ({3, 1}, set[int]), (frozenset("ab"), frozenset[str]), ({1: "a"}, dict[int, str]),
    ({dt.date(2020, 1, 1): 1}, dict[dt.date, int]), ({Colour.RED: 1}, dict[Colour, int]),
    (Page[int](items=[1]), Page[int]), (RootModel[list[int]]([1]), RootModel[list[int]]), (Frozen(1, (2,)), Frozen),
    (Box(dt.date(2020, 1, 1)), Box[dt.date]), (Strict.model_validate({"data": b"\xff", "Tags": {"a", "b"}}), Strict), (Sub(), Base | Sub),
    (Dog(good=True), Annotated[Cat | Dog, Field(discriminator="kind")]), (Renamed.model_validate({"old": 1}), Renamed), (1, Literal[1]),
    (UserId(1), UserId), (5, Annotated[int, Field(gt=3)]), ([1, {"a": None}], Any), ("x", T),
]  # fmt: skip


def _kind_of(part: object) -> str:
    """Return an id that is the same in every process: neither an address nor the order of a set."""
    return getattr(part, "__name__", None) or type(part).__name__


@pytest.mark.parametrize(("value", "declared"), KEPT, ids=_kind_of)
@pytest.mark.construct("payload types")
def test_a_value_comes_back_as_it_went_in(value: Any, declared: Any) -> None:
    back = decode(encode(value, declared, what="it"), declared, what="it")

    assert back == value
    assert difference(value, back) is None
    assert type(back) is type(value) or (type(value), type(back)) == (int, float)


@pytest.mark.parametrize(("value", "declared"), KEPT, ids=_kind_of)
def test_the_schema_by_which_senders_are_judged_takes_all_that_its_type_writes(
    value: Any, declared: Any
) -> None:
    for schema in schemas_of({"it": declared}).values():
        assert misfit(encode(value, declared, what="it"), schema, whole="it") is None


REFUSED: list[tuple[Any, Any, str]] = [
    (Sub(), Base, "a Sub would come back as a Base, without what Sub adds"),
    (Box([Sub()]), Box[list[Base]], r"value\[0\]: a Sub would come back as a Base"),
    (True, int, "True .bool. would come back as 1 .int."),
    ((1, 2), list[int], "tuple"), (float("nan"), float, "nan is not a number that JSON has"),
    ({"a": [float("inf")]}, dict[str, list[float]], r"\['a'\]\[0\]: inf is not"), ("\ud800", str, "lone surrogate"),
    ({1}, Any, "would come back as .1. .list."), (Decimal(1), Any, "would come back as '1' .str."),
    (ValueError("no"), Any, "ValueError"), (threading.Lock(), Any, "lock"), ((n for n in [1]), Any, "generator"),
    (ValueError("no"), ValueError, "declared as ValueError, which cannot be a payload"),
    (iter([1]), Iterable[int], "can be read only once; declare a list"), (Initial(1, 2), Initial, "Initial.b is an InitVar"),
    ({(1, 2): 1}, dict[tuple[int, int], int], "could not be read back"), (2, Annotated[int, Field(gt=3)], "greater than 3"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "declared", "why"), REFUSED, ids=_kind_of)
def test_a_value_that_would_come_back_as_another_is_refused(
    value: Any, declared: Any, why: str
) -> None:
    with pytest.raises(PayloadError, match=why) as caught:
        encode(value, declared, what="Argument 'x' of f")

    assert "Argument 'x' of f" in caught.value.message


def test_a_value_nested_too_deeply_is_refused_when_it_is_written() -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]

    with pytest.raises(PayloadError, match="nested too deeply"):
        encode(nested, Any, what="it")


def test_a_tuple_comes_back_as_a_list_where_the_type_promises_neither() -> None:
    assert decode(encode((1, 2), Sequence[int], what="it"), Sequence[int], what="it") == [1, 2]


@pytest.mark.construct("size of a payload")
def test_a_payload_over_the_limit_names_argument_size_limit_and_what_to_do() -> None:
    def send(text: str) -> None: ...

    with pytest.raises(PayloadTooLargeError) as caught:
        signature_of(send, name="send").encode_args(("x" * 2000,), {}, limit=1000)

    message = caught.value.message
    assert "Argument 'text' of send is 2,002 bytes as JSON; the limit is 1,000" in message
    assert "pass a reference" in message


def test_a_type_that_cannot_be_recorded_is_named_with_its_argument() -> None:
    @activity.define
    async def read(file: threading.Event) -> None: ...

    with pytest.raises(PayloadError, match="Argument 'file' of read is declared as Event"):
        _ = read.definition.signature


LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()), (bool, st.booleans()), (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text(st.characters(exclude_categories=["Cs"]))), (bytes, st.binary()), (type(None), st.none()),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)), (uuid.UUID, st.uuids()), (dt.date, st.dates()),
    (dt.datetime, st.datetimes(timezones=st.sampled_from([None, dt.UTC, OSLO]))), (dt.timedelta, st.timedeltas()),
    (Colour, st.sampled_from(Colour)), (Right, st.sampled_from([Right.READ, Right.READ | Right.WRITE])),
    (Cat, st.builds(Cat, lives=st.integers())), (Frozen, st.builds(Frozen, a=st.integers())),
]  # fmt: skip
Case = tuple[Any, st.SearchStrategy[Any]]


CONTAINERS: list[Callable[[Any, st.SearchStrategy[Any]], Case]] = [
    lambda kind, values: (types.GenericAlias(list, (kind,)), st.lists(values, max_size=3)),
    lambda kind, values: (
        types.GenericAlias(dict, (str, kind)),
        st.dictionaries(st.text("ab"), values, max_size=3),
    ),
    lambda kind, values: (
        types.GenericAlias(tuple, (kind, ...)),
        st.lists(values, max_size=3).map(tuple),
    ),
    lambda kind, values: (Optional.__getitem__(kind), st.none() | values),
    lambda kind, values: (Box.__class_getitem__(kind), values.map(Box)),  # type: ignore[attr-defined]  # Generic has it
]


def wrapped(inner: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    return st.builds(lambda wrap, case: wrap(*case), st.sampled_from(CONTAINERS), inner)


CASES = st.recursive(st.sampled_from(LEAVES), wrapped, max_leaves=4)


@given(st.data())
def test_values_of_any_type_come_back_as_they_went_in(data: st.DataObject) -> None:
    declared, values = data.draw(CASES)
    value = data.draw(values)

    back = decode(encode(value, declared, what="it"), declared, what="it")

    assert back == value
    assert difference(value, back) is None


SETS = """
from holdfast.codec import encode, misfit, schemas_of
from holdfast.history import canonical
from pydantic import BaseModel, Field
class Tags(BaseModel):
    tags: set[str] = Field(alias="Tags")
value = {"a": [Tags(Tags={"x", "y", "z", "w"})], "b": [Tags(Tags={"p", "q", "r"})]}
print(canonical(encode(value, dict[str, list[Tags]], what="it")))
print(canonical(encode(frozenset({("a", 1), ("b", 2), ("c", 3)}), frozenset[tuple[str, int]], what="it")))
"""


def test_the_bytes_of_a_payload_are_the_same_under_every_hash_seed() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", SETS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "77")
    }

    assert len(texts) == 1


def test_an_int_and_a_text_are_not_confused_by_the_order_of_a_union() -> None:
    assert (
        canonical([encode(1, int | str, what="it"), encode("1", str | int, what="it")]) == '[1,"1"]'
    )
