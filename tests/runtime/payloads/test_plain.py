"""The short way of simple payloads gives what pydantic gives, and no other type takes it."""

import json
import math
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, Generic, Self, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    computed_field,
    create_model,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import to_json

from holdfast._comparing import difference
from holdfast._plain import UNSURE
from holdfast.codec import decode, encode, plan_of
from holdfast.errors import PayloadError, PayloadTooLargeError

T = TypeVar("T")
NUMBERS = st.one_of(st.integers(), st.sampled_from([0, 2**62, -(2**62), 2**80]))
TEXTS = st.one_of(st.text(), st.text(st.characters(), max_size=3))  # lone surrogates too


@dataclass(frozen=True)
class Line:
    text: str
    count: int
    weight: float = 1.0
    gift: bool = False


@dataclass(slots=True)
class Slotted:
    name: str
    lines: list[Line] = field(default_factory=list)


class Basket(BaseModel):
    model_config = ConfigDict(frozen=True)

    first: Line | None
    more: dict[str, Line] = Field(default_factory=dict, description="What else is bought.")
    notes: list[list[str]] = []


LINES = st.builds(
    Line,
    text=TEXTS,
    count=st.one_of(NUMBERS, st.booleans(), st.floats()),
    weight=st.one_of(st.floats(), st.integers(), st.none()),
    gift=st.one_of(st.booleans(), st.integers(0, 1)),
)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    Line: LINES,
    Slotted: st.builds(Slotted, name=TEXTS, lines=st.lists(LINES)),
    Basket: st.builds(
        Basket.model_construct,
        first=st.none() | LINES,
        more=st.dictionaries(TEXTS, LINES),
        notes=st.lists(st.lists(TEXTS)) | st.tuples(st.lists(TEXTS)),
    ),
    list[Line]: st.lists(LINES),
    dict[str, float]: st.dictionaries(TEXTS, st.floats() | NUMBERS),
    int | None: st.one_of(st.none(), NUMBERS, st.booleans(), st.floats(), TEXTS),
}


@pytest.mark.parametrize("declared", VALUES, ids=str)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_value_that_is_written_the_short_way_is_written_and_read_back_by_pydantic_alike(
    declared: Any, data: st.DataObject
) -> None:
    plan = plan_of(declared, what="it")
    assert plan.write is not None
    value = data.draw(VALUES[declared])
    tree = plan.write(value)
    if tree is not UNSURE:
        assert _text(tree) == _text(plan.dump(value))
        assert difference(value, plan.load(to_json(tree))) is None


@pytest.mark.parametrize("declared", [Line, list[Line], dict[str, float], int | None], ids=str)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_json_that_is_read_the_short_way_is_read_by_pydantic_alike(
    declared: Any, data: st.DataObject
) -> None:
    plan = plan_of(declared, what="it")
    assert plan.read is not None
    try:
        tree = json.loads(json.dumps(plan.dump(data.draw(VALUES[declared])), allow_nan=False))
    except ValueError:
        return  # the value is not of its type, and has no JSON
    short = plan.read(tree)
    if short is not UNSURE:
        slow = plan.load(to_json(tree))
        assert difference(short, slow) is None
        assert repr(short) == repr(slow)
        assert short is not tree or type(tree) not in {list, dict}


@pytest.mark.parametrize("declared", VALUES, ids=str)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_value_that_matches_some_json_at_a_look_is_what_pydantic_writes_as_that(
    declared: Any, data: st.DataObject
) -> None:
    plan = plan_of(declared, what="it")
    assert plan.matches is not None
    value, other = data.draw(VALUES[declared]), data.draw(VALUES[declared])
    for made in (value, other):
        tree = plan.write(made)  # type: ignore[misc]
        if tree is not UNSURE and plan.matches(value, tree):
            assert _is_exactly(tree, json.loads(to_json(plan.dump(value))))
        elif made is value:
            assert tree is UNSURE


@pytest.mark.parametrize(
    ("value", "declared", "others"),
    [
        (1, int, [True, 1.0, "1", 2, None]),
        (True, bool, [1, 1.0, "true", False]),
        (1.0, float, [1, True, "1.0", 1.5]),
        ("a", str, ["b", None, 0, ["a"]]),
        (None, int | None, [0, False, "", "null"]),
        (1, int | None, [None, True]),
        ([1], list[int], [[True], [1, 1], [], {"0": 1}]),
        ({"a": 1}, dict[str, int], [{"a": 1.0}, {"b": 1}, {}, {"a": 1, "b": 1}, ["a"]]),
    ],
)
def test_json_that_only_python_takes_for_equal_matches_nothing(
    value: Any, declared: Any, others: list[Any]
) -> None:
    matches = plan_of(declared, what="it").matches
    assert matches is not None
    assert matches(value, value)
    assert not any(matches(value, other) for other in others)


def test_a_record_matches_its_own_fields_alone_in_whatever_order_they_were_stored() -> None:
    line, matches = Line(text="a", count=1), plan_of(Line, what="it").matches
    assert matches is not None
    tree = {"weight": 1.0, "text": "a", "gift": False, "count": 1}
    assert matches(line, tree)
    assert not matches(line, {**tree, "old": 1})
    assert not matches(line, {**tree, "count": True})
    assert not matches(line, {"text": "a", "count": 1, "weight": 1.0})
    assert matches(line, {**tree, "gift": False}) is True
    del tree["gift"]
    assert matches(line, {**tree, "old": False}) is False
    object.__delattr__(line, "text")
    assert matches(line, {**tree, "gift": False}) is False


NOT_JSON = [math.inf, -math.inf, math.nan]
HALVES = ["\ud800", "a\udfff", "é\udc80z"]


@pytest.mark.parametrize("number", NOT_JSON)
@pytest.mark.parametrize("inside", [list[float], dict[str, float], float | None, Line])
def test_a_number_that_json_does_not_have_never_takes_the_short_way(
    inside: Any, number: float
) -> None:
    value: Any = {list[float]: [number], dict[str, float]: {"a": number}}.get(inside, number)
    if inside is Line:
        value = Line(text="a", count=1, weight=number)
    with pytest.raises(PayloadError, match="is not a number that JSON has"):
        encode(value, inside, what="it")


@pytest.mark.parametrize("half", HALVES)
def test_half_a_character_never_takes_the_short_way(half: str) -> None:
    texts: list[tuple[Any, Any]] = [
        ([half], list[str]),
        ({half: 1}, dict[str, int]),
        ({"a": half}, dict[str, str]),
        (half, str | None),
        (Line(text=half, count=1), Line),
    ]
    for value, declared in texts:
        plan = plan_of(declared, what="it")
        tree = (
            {"text": half, "count": 1, "weight": 1.0, "gift": False} if declared is Line else value
        )
        with pytest.raises(PayloadError, match=r"half a character|would come back as"):
            encode(value, declared, what="it")
        assert plan.read is None or plan.read(tree) is UNSURE
        assert plan.matches is not None
        assert not plan.matches(value, tree)


def test_to_look_at_a_payload_runs_no_code_of_its_class() -> None:
    @dataclass
    class Reached:
        a: int

        def __getattribute__(self, name: str) -> Any:
            return super().__getattribute__(name)

    @dataclass
    class Made:
        a: int

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

    class Twice:
        def __get__(self, obj: Any, owner: Any) -> Any:
            return 2 * vars(obj)["a"] if obj is not None else 0

        def __set__(self, obj: Any, value: Any) -> None:
            vars(obj)["a"] = value

    @dataclass
    class Described:
        a: int = Twice()  # type: ignore[assignment]

    for declared in (Reached, Made, Described):
        plan = plan_of(declared, what="it")
        assert (plan.write, plan.read, plan.matches) == (None, None, None)


@pytest.mark.parametrize("name", ["class", "a b", "it's", "ﬁ"])
def test_a_field_whose_name_is_no_plain_word_is_left_to_pydantic(name: str) -> None:
    declared: Any = create_model("Named", **{name: (int, ...)})  # type: ignore[call-overload]
    plan = plan_of(declared, what="it")
    assert (plan.write, plan.read, plan.matches) == (None, None, None)
    value = declared.model_construct(**{name: 3})
    assert decode(encode(value, declared, what="it"), declared, what="it") == value


def _is_exactly(tree: Any, other: Any) -> bool:
    return json.dumps(tree, sort_keys=True) == json.dumps(other, sort_keys=True)


def _text(tree: Any) -> str:
    return json.dumps(tree)  # tells 1 from 1.0 and from true, and one order of keys from another


def test_what_workflows_pass_on_most_takes_the_short_way() -> None:
    line = Line(text="Ünïcode", count=3)
    for value, declared in [
        (line, Line),
        (Slotted("s", [line, line]), Slotted),
        (Basket(first=None, more={"a": line}, notes=[["x"]]), Basket),
        ([line], list[Line]),
    ]:
        assert plan_of(declared, what="it").write(value) is not UNSURE  # type: ignore[misc]
    tree = encode(line, Line, what="it")
    read = plan_of(Line, what="it").read(tree)  # type: ignore[misc]
    assert (read, type(read), dict(vars(read))) == (line, Line, dict(vars(line)))


def test_the_limit_holds_for_simple_payloads_too() -> None:
    with pytest.raises(PayloadTooLargeError, match="is 132 bytes as JSON; the limit is 100"):
        encode(Line(text="x" * 85, count=1), Line, what="The argument", limit=100)


@pytest.mark.parametrize("tree", [{"text": "a"}, {"text": "a", "count": 1, "weight": 1, "old": 2}])
def test_recorded_fields_that_are_not_those_of_today_are_left_to_pydantic(tree: Any) -> None:
    plan = plan_of(Line, what="it")
    assert plan.read is not None
    assert plan.read(tree) is UNSURE
    if "count" in tree:
        assert decode(tree, Line, what="it") == Line(text="a", count=1, weight=1.0)
    else:
        with pytest.raises(PayloadError, match="count: Field required"):
            decode(tree, Line, what="it")


# Types in which more than the types of the fields decides


class Trimmed(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)
    a: str


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class Aliased(BaseModel):
    a: int = Field(alias="b")


class OtherNames(BaseModel):
    a: int = Field(validation_alias=AliasChoices("a", "b"))


class Hidden(BaseModel):
    a: int = Field(exclude=True, default=0)


class Bounded(BaseModel):
    a: int = Field(gt=0)


class Validated(BaseModel):
    a: int

    @field_validator("a")
    @classmethod
    def double(cls, a: int) -> int:
        return 2 * a


class Checked(BaseModel):
    a: int

    @model_validator(mode="after")
    def check(self) -> "Checked":
        return self


class Serialised(BaseModel):
    a: int

    @field_serializer("a")
    def written(self, a: int) -> str:
        return str(a)


class SelfMade(BaseModel):
    a: int

    @model_serializer
    def written(self) -> str:
        return "mine"


class Computed(BaseModel):
    a: int

    @computed_field
    def b(self) -> int:
        return self.a


class Private(BaseModel):
    a: int
    _b: int = PrivateAttr(default=1)


class OwnInit(BaseModel):
    a: int

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)


class Root(RootModel[int]):
    pass


class Page(BaseModel, Generic[T]):
    items: list[T]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    a: int


class Tree(BaseModel):
    parts: list["Tree"] = []


@dataclass
class PostInit:
    a: int

    def __post_init__(self) -> None:
        self.a += 1


@dataclass
class Derived:
    a: int
    b: int = field(init=False, default=0)


@checked_dataclass(config=ConfigDict(str_max_length=3))
class Limited:
    a: str


@pytest.mark.parametrize(
    "declared",
    [
        Trimmed, Extra, Aliased, OtherNames, Hidden, Bounded, Validated, Checked, Serialised, SelfMade, Computed, Private,
        OwnInit, Root, Page[int], Strict, Tree, PostInit, Derived, Limited, bytes, Any, int | str, tuple[int, ...],
        set[int], list[Any], dict[int, str], Annotated[str, Field(pattern="x")], list[Annotated[int, Field(gt=1)]],
    ],
)  # fmt: skip
def test_a_type_in_which_more_than_plain_types_decides_is_left_to_pydantic(declared: Any) -> None:
    plan = plan_of(declared, what="it")
    assert (plan.write, plan.read, plan.matches) == (None, None, None)


@dataclass
class Counted:
    a: int

    def __new__(cls, a: int = 0) -> Self:
        return super().__new__(cls)


@pytest.mark.parametrize("declared", [Slotted, Basket, Counted])
def test_objects_that_are_more_than_their_fields_are_made_by_pydantic(declared: Any) -> None:
    plan = plan_of(declared, what="it")
    assert plan.write is not None
    assert plan.read is None


def test_a_subclass_is_not_written_as_its_base() -> None:
    @dataclass(frozen=True)
    class Wrapped(Line):
        paper: str = "red"

    with pytest.raises(PayloadError, match="without what Wrapped adds"):
        encode(Wrapped(text="a", count=1), Line, what="it")


def test_a_dataclass_with_init_only_parameters_is_still_refused() -> None:
    @dataclass
    class Sealed:
        a: int
        key: InitVar[str]

    with pytest.raises(PayloadError, match=r"Sealed\.key is an InitVar"):
        plan_of(Sealed, what="it")
