"""A short way to JSON and back for types so simple that what comes back is what went in.

Records of texts, numbers and truth values, alone or in lists and dictionaries, are most of what workflows pass on, and
each is written at every call and read at every replay. Here a declared type is looked at once, and a value only as far
as is needed to know that pydantic would give the same JSON, and the same value from it. Whatever else a type or a value
may be is `UNSURE`, and goes through pydantic. Nothing here runs code of the value's type.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from keyword import iskeyword
from types import MemberDescriptorType
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import BaseModel

UNSURE: Final = object()
Step: TypeAlias = Callable[[Any], Any]  # returns what it makes of a value, or UNSURE
Pair: TypeAlias = Callable[[Any, Any], bool]  # tells whether a value is surely written as some JSON

_Schema: TypeAlias = Mapping[str, Any]
_SMALL_INT = 2**62


class _Kit(NamedTuple):
    """Hold what steps of one purpose are made of, from those of scalars outwards."""

    of_scalars: Mapping[str, Any]
    of_nullable: Callable[[Any], Any]
    of_list: Callable[[Any], Any]
    of_dict: Callable[[Any], Any]
    of_record: Callable[[_Schema, dict[str, Any]], Any]


def writer_of(schema: _Schema) -> Step | None:
    """Return what makes JSON of values of a core schema, or None when the schema is not simple."""
    step: Step | None = _Steps(_WRITING).of(schema)
    return step


def reader_of(schema: _Schema) -> Step | None:
    """Return what makes values of JSON for a core schema, or None when the schema is not simple."""
    step: Step | None = _Steps(_READING).of(schema)
    return step


def matcher_of(schema: _Schema) -> Pair | None:
    """Return what tells whether a value is written as some JSON, or None when the schema is not simple.

    It is to `writer_of` and a comparison what a look is to a copy: False only means that one has to write to know.
    """
    pair: Pair | None = _Steps(_MATCHING).of(schema)
    return pair


class _Steps:
    """Make the steps of one schema; a part with a key that is not known here may mean anything, and has none."""

    def __init__(self, kit: _Kit) -> None:
        self._kit = kit
        self._definitions: dict[str, _Schema] = {}

    def of(self, schema: _Schema) -> Any:  # noqa: PLR0911 - one line per kind
        """Return the step for a schema, or None."""
        keys = schema.keys() - {"type"}
        match schema["type"]:
            case "int" | "str" | "bool" | "float" | "none" as kind if not keys:
                return self._kit.of_scalars[kind]
            case "nullable" if keys == {"schema"}:
                return self._around(self._kit.of_nullable, schema["schema"])
            case "list" if keys == {"items_schema"}:
                return self._around(self._kit.of_list, schema["items_schema"])
            case "dict" if keys == _OF_DICT and schema["keys_schema"] == {"type": "str"}:
                return self._around(self._kit.of_dict, schema["values_schema"])
            case "dataclass" | "model" if _is_only_data(schema):
                fields = self._fields(schema)
                return None if fields is None else self._kit.of_record(schema, fields)
            case "definitions" if keys == {"schema", "definitions"}:
                self._definitions = {part["ref"]: part for part in schema["definitions"]}
                return self.of(schema["schema"])
            case "definition-ref" if keys == {"schema_ref"}:
                return self._of_shared(schema["schema_ref"])
        return None

    def _around(self, outer: Callable[[Any], Any], schema: _Schema) -> Any:
        inner = self.of(schema)
        return None if inner is None else outer(inner)

    def _of_shared(self, ref: str) -> Any:
        if ref not in self._definitions:
            return None
        shared = self._definitions.pop(ref)  # so that a type which contains itself comes to an end
        step = self.of(shared)
        self._definitions[ref] = shared
        return step

    def _fields(self, schema: _Schema) -> dict[str, Any] | None:
        """Return the fields of a record with their steps, or None where anything but their types decides."""
        body = schema["schema"]
        if not (_is_usual(schema) and _is_usual(body)):
            return None
        declared = body["fields"]
        pairs = (
            declared.items()
            if isinstance(declared, dict)
            else [(field["name"], field) for field in declared]
        )
        steps = {}
        for name, field in pairs:
            step = self.of(_without_default(field["schema"])) if _is_usual(field) else None
            if step is None or not _is_written_plainly(name) or not _is_stored(schema["cls"], name):
                return None
            steps[name] = step
        return steps


_OF_DICT = {"keys_schema", "values_schema"}
# What may stand in the schema of a record, and with which value, when the types of its fields alone decide.
_USUAL: dict[str, tuple[Any, ...]] = {
    "type": ("dataclass", "dataclass-args", "dataclass-field", "model", "model-fields", "model-field"),
    "post_init": (False,), "custom_init": (False,), "root_model": (False,), "slots": (False, True),
    "collect_init_only": (False,), "computed_fields": ([],), "init": (True,), "kw_only": (False, True),
    "frozen": (False, True),
}  # fmt: skip
_NAMES = frozenset(
    {"cls", "ref", "metadata", "dataclass_name", "model_name", "fields", "schema", "name"}
)
_USUAL_CONFIG = frozenset(
    {"title", "frozen", "ser_json_bytes", "val_json_bytes", "ser_json_inf_nan"}
)
_OF_DEFAULT = frozenset({"type", "schema", "default", "default_factory", "default_factory_takes_data"})  # fmt: skip
_LOOK_UPS = ("__getattribute__", "__getattr__")


def _is_usual(schema: _Schema) -> bool:
    return all(
        _USUAL_CONFIG.issuperset(value)
        if key == "config"
        else key in _NAMES or value in _USUAL.get(key, ())
        for key, value in schema.items()
    )


def _is_only_data(schema: _Schema) -> bool:
    """Tell whether to look at an attribute of a record runs no code of its class."""
    base = BaseModel if schema["type"] == "model" else object
    return all(
        getattr(schema["cls"], name, None) is getattr(base, name, None) for name in _LOOK_UPS
    )


def _is_written_plainly(name: str) -> bool:
    """Tell whether a name means itself in the text of a program; Python takes some others for one another."""
    return name.isascii() and name.isidentifier() and not iskeyword(name)


def _is_stored(cls: Any, name: str) -> bool:
    """Tell whether an attribute is what the object holds, and not what a descriptor of the class says."""
    found = inspect.getattr_static(cls, name, None)  # a default, a slot, or nothing
    return type(found) is MemberDescriptorType or not hasattr(found, "__get__")


def _without_default(schema: _Schema) -> _Schema:
    """Return the schema of a field without its default: a record in which the field is missing is not read here."""
    if schema["type"] == "default" and _OF_DEFAULT.issuperset(schema):
        inner: _Schema = schema["schema"]
        return inner
    return schema


# One value, to JSON or from it: for scalars both are the same


def _int(value: Any) -> Any:
    return value if type(value) is int and -_SMALL_INT < value < _SMALL_INT else UNSURE


def _str(value: Any) -> Any:
    return value if type(value) is str and (value.isascii() or _is_whole(value)) else UNSURE


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character
        return False
    return True


def _bool(value: Any) -> Any:
    return value if type(value) is bool else UNSURE


def _float(value: Any) -> Any:
    return value if type(value) is float and math.isfinite(value) else UNSURE


def _none(value: Any) -> Any:
    return value if value is None else UNSURE


def _nullable(inner: Step) -> Step:
    def step(value: Any) -> Any:
        return None if value is None else inner(value)

    return step


def _list(inner: Step) -> Step:
    def step(value: Any) -> Any:
        if type(value) is not list:
            return UNSURE
        made = []
        for item in value:
            part = inner(item)
            if part is UNSURE:
                return UNSURE
            made.append(part)
        return made

    return step


def _dict(inner: Step) -> Step:
    def step(value: Any) -> Any:
        if type(value) is not dict:
            return UNSURE
        made = {}
        for key, item in value.items():
            part = inner(item)
            if part is UNSURE or _str(key) is UNSURE:
                return UNSURE
            made[key] = part
        return made

    return step


def _writer(schema: _Schema, fields: dict[str, Step]) -> Step:
    lines = [
        "if type(value) is not cls: return UNSURE",
        *_taken(fields, "value.{}"),
        f"return {_dict_of(fields)}",
    ]
    return _compiled("write(value)", lines, fields, schema["cls"])


def _reader(schema: _Schema, fields: dict[str, Step]) -> Step | None:
    """Return what makes a dataclass as pydantic does, without its `__init__`; a model keeps more than its fields."""
    cls: Any = schema["cls"]
    if schema["type"] == "model" or schema["slots"] or cls.__new__ is not object.__new__:
        return None
    lines = [
        f"if type(tree) is not dict or len(tree) != {len(fields)}: return UNSURE",
        *_taken(fields, "tree['{}']"),
        "made = new(cls)",
        f"put(made, '__dict__', {_dict_of(fields)})",
        "return made",
    ]
    return _compiled("read(tree)", lines, fields, cls)


def _taken(fields: dict[str, Step], place: str) -> Iterator[str]:
    """Yield the lines that take the parts of a record from their places, as `part0` and so on."""
    for number, (name, step) in enumerate(fields.items()):
        part, found = f"part{number}", place.format(name)
        if step in _CHECKS:
            yield f"{part} = {found}"
            yield f"if not ({_CHECKS[step].format(part)}): return UNSURE"
        else:
            yield f"{part} = step{number}({found})"
            yield f"if {part} is UNSURE: return UNSURE"


def _dict_of(fields: dict[str, Step]) -> str:
    pairs = (f"'{name}': part{number}" for number, name in enumerate(fields))
    return f"{{{', '.join(pairs)}}}"


def _compiled(
    head: str, lines: list[str], fields: dict[str, Any], cls: Any, *, missing: str = "UNSURE"
) -> Callable[..., Any]:
    """Return a function of these lines that returns what `missing` names where a part is missing.

    The steps of a record are compiled, as its `__init__` is: one by one, their calls took two thirds of the time.
    """
    body = "".join(f"  {line}\n" for line in lines)
    source = f"def {head}:\n try:\n{body} except (AttributeError, KeyError):\n  return {missing}\n"
    steps = {f"step{number}": step for number, step in enumerate(fields.values())}
    scope: dict[str, Any] = {**_SCOPE, "cls": cls, **steps}
    exec(source, scope)  # noqa: S102 - of names that are identifiers, and of nothing else that is given
    made: Callable[..., Any] = scope[head.partition("(")[0]]
    return made


# A value beside JSON


def _same(kind: type[Any]) -> Pair:
    def same(value: Any, tree: Any) -> bool:
        return type(value) is kind and type(tree) is kind and value == tree

    return same


def _same_str(value: Any, tree: Any) -> bool:
    is_same = type(value) is str and type(tree) is str and value == tree
    return is_same and (value.isascii() or _is_whole(value))


def _same_nullable(inner: Pair) -> Pair:
    def same(value: Any, tree: Any) -> bool:
        return tree is None if value is None else inner(value, tree)

    return same


def _same_list(inner: Pair) -> Pair:
    def same(value: Any, tree: Any) -> bool:
        is_list = type(value) is list and type(tree) is list and len(value) == len(tree)
        return is_list and all(map(inner, value, tree))

    return same


def _same_dict(inner: Pair) -> Pair:
    def same(value: Any, tree: Any) -> bool:
        if type(value) is not dict or type(tree) is not dict or len(value) != len(tree):
            return False
        return all(
            _str(key) is not UNSURE and inner(item, tree.get(key, UNSURE))
            for key, item in value.items()
        )

    return same


def _same_record(schema: _Schema, fields: dict[str, Pair]) -> Pair:
    tests = ["type(value) is cls", "type(tree) is dict", f"len(tree) == {len(fields)}"]
    for number, (name, step) in enumerate(fields.items()):
        kind = _KINDS.get(step)
        if kind is None:
            tests.append(f"step{number}(value.{name}, tree['{name}'])")
        else:
            tests.append(
                f"type(a := value.{name}) is {kind} and type(b := tree['{name}']) is {kind} and a == b"
            )
            tests += ["(a.isascii() or is_whole(a))"] if kind == "str" else []
    line = f"return {' and '.join(tests)}"
    return _compiled("same(value, tree)", [line], fields, schema["cls"], missing="False")


_SCALARS = {"int": _int, "str": _str, "bool": _bool, "float": _float, "none": _none}
_CHECKS: dict[Step, str] = {
    _int: f"type({{0}}) is int and -{_SMALL_INT} < {{0}} < {_SMALL_INT}",
    _str: "type({0}) is str and ({0}.isascii() or is_whole({0}))",
    _bool: "type({0}) is bool",
    _float: "type({0}) is float and isfinite({0})",
    _none: "{0} is None",
}
_SAME: dict[str, Pair] = {
    "int": _same(int), "str": _same_str, "bool": _same(bool), "float": _same(float), "none": _same(type(None))
}  # fmt: skip
_KINDS = {same: kind for kind, same in _SAME.items() if kind != "none"}
_SCOPE = {
    "UNSURE": UNSURE, "is_whole": _is_whole, "isfinite": math.isfinite, "new": object.__new__, "put": object.__setattr__
}  # fmt: skip
_WRITING = _Kit(_SCALARS, _nullable, _list, _dict, _writer)
_READING = _Kit(_SCALARS, _nullable, _list, _dict, _reader)
_MATCHING = _Kit(_SAME, _same_nullable, _same_list, _same_dict, _same_record)
