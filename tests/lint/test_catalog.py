import pytest

from holdfast_lint.catalog import load_catalog, prefixes


def test_a_name_is_taken_apart_at_attributes_calls_and_items() -> None:
    assert list(prefixes("a.b().c[]")) == ["a.b().c[]", "a.b().c", "a.b()", "a.b", "a"]


def test_other_spellings_lead_to_the_name_that_the_tables_use() -> None:
    catalog = load_catalog()

    assert catalog.canonical("io.open") == "builtins.open"
    assert catalog.canonical("pathlib.Path().parent.parent") == "pathlib.Path()"
    assert (
        catalog.canonical("sqlalchemy.orm.sessionmaker()().add") == "sqlalchemy.orm.Session().add"
    )


def test_no_spelling_leads_in_a_circle() -> None:
    catalog = load_catalog()

    assert all(catalog.canonical(name) for name in (*catalog.same, *catalog.gives))


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        ("random.choice", 1, "HF111"),
        ("random.Random", 0, "HF112"),
        ("random.Random", 1, None),
        ("time.strftime", 1, "HF103"),
        ("time.strftime", 2, None),
        ("openai.OpenAI().chat.completions.create", 0, "HF204"),
        ("openai.OpenAI().chat.completions.create().model_dump", 0, None),
        ("secrets.compare_digest", 2, None),
        ("requests.codes", 0, None),
    ],
)
def test_a_call_has_the_effect_of_its_name_and_arguments(
    name: str, arguments: int, rule: str | None
) -> None:
    effect = load_catalog().effect_of_call(name, arguments=arguments, shared=False)

    assert (effect.rule if effect else None) == rule


def test_some_effects_belong_to_objects_made_at_import_alone() -> None:
    catalog = load_catalog()

    assert catalog.effect_of_call("random.Random().random", arguments=0, shared=False) is None
    assert catalog.effect_of_call("random.Random().random", arguments=0, shared=True) is not None
