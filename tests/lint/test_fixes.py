"""Fixes: each page shows what becomes of a wrong case, and what is safe also runs and replays."""

import importlib.util
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast.activity import Activity
from holdfast.workflow import Workflow
from holdfast_lint.api import check_paths
from holdfast_lint.cli import lint
from holdfast_lint.diagnostic import Edit, Fix, Report
from holdfast_lint.fixes.applying import apply_fixes
from holdfast_lint.fixes.replacements import load_replacements
from holdfast_lint.fixing import Fixed, fix_all
from holdfast_lint.model import Span
from holdfast_lint.page import Case
from holdfast_lint.rulebook import load_rules
from holdfast_testkit import Sim, assert_replays

CASES = [
    (f"{rule.code}-{number}", case)
    for rule in load_rules()
    for number, case in enumerate(rule.page.wrong)
]
WRONG = [pytest.param(case, id=name) for name, case in CASES]
SAFE = [
    pytest.param(case, id=name) for name, case in CASES if case.fixed is not None and case.safely
]

Fixer = Callable[..., Fixed]


@pytest.fixture
def fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fixer:
    """Fix files without writing them."""
    monkeypatch.chdir(tmp_path)

    def run(files: Mapping[str, str], *, unsafe: bool = False) -> Fixed:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())

        def check(overlay: Mapping[Path, str]) -> Report:
            return check_paths([tmp_path], overlay=overlay)

        return fix_all(check, unsafe=unsafe)

    return run


@pytest.fixture
def fixed(fix: Fixer, tmp_path: Path) -> Callable[..., str]:
    """Fix one file and give its new text."""

    def run(text: str, *, unsafe: bool = False) -> str:
        return fix({"flow.py": text}, unsafe=unsafe).after.get(tmp_path / "flow.py", text)

    return run


@pytest.mark.parametrize("case", WRONG)
def test_a_page_shows_what_becomes_of_each_wrong_case(
    fixed: Callable[..., str], fix: Fixer, case: Case
) -> None:
    wanted = case.code if case.fixed is None else case.fixed
    safely = fix(case.files).after.get(Path("flow.py").absolute(), case.code)
    boldly = fix(case.files, unsafe=True)

    assert boldly.after.get(Path("flow.py").absolute(), case.code) == wanted
    assert safely == (wanted if case.safely else case.code)
    if case.fixed is not None:
        assert boldly.report.diagnostics == ()
        assert fixed(wanted, unsafe=True) == wanted


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Import a text as a module."""
    name = "fixed_example"

    def run(text: str) -> ModuleType:
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    yield run
    sys.modules.pop(name, None)


def value_of(kind: Any) -> Any:
    """Make a simple value of a type."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in {list, set, frozenset}:
        return origin([value_of(inside[0])])
    return {str: "Ada", int: 1, bool: False, float: 1.0, set: {"Ada"}, list: ["Ada"]}.get(kind)


def returned(function: Callable[..., Any]) -> Any:
    return value_of(typing.get_type_hints(function).get("return", type(None)))


def arguments(function: Callable[..., Any]) -> list[Any]:
    hints = typing.get_type_hints(function)
    return [value_of(hints[name]) for name in inspect.signature(function).parameters]


@pytest.mark.parametrize("case", SAFE)
def test_what_a_safe_fix_makes_runs_and_replays(
    load: Callable[[str], ModuleType], case: Case
) -> None:
    assert case.fixed is not None
    module = load(case.fixed)
    (workflow,) = (item for item in vars(module).values() if isinstance(item, Workflow))
    with Sim() as sim:
        for item in vars(module).values():
            if isinstance(item, Activity):
                function = item.definition.fn
                sim.fake(item).returns(returned(function))
        run = sim.start(workflow, *arguments(workflow.fn))
        result = sim.result(run)
        history = sim.history(run)

    assert type(result) is type(returned(workflow.fn))
    assert_replays(history, workflow)


def test_the_examples_that_are_proved_are_many() -> None:
    assert len(SAFE) >= 20


HEAD = "from holdfast import workflow\n\n\n@workflow.define\nasync def flow(name: str) -> object:\n"


def flow(*body: str, imports: str = "", head: str = HEAD) -> str:
    return imports + head + "".join(f"    {line}\n" for line in body)


@pytest.mark.parametrize(
    ("imports", "call", "head", "expected"),
    [
        # Existing forms of import are used as they are.
        ("import time\n", "time.time()", "import holdfast\nfrom holdfast.workflow import define\n\n\n@define\nasync def flow():\n", "holdfast.workflow.now().timestamp()"),
        ("import time\n", "time.time()", "from holdfast import workflow as wf\n\n\n@wf.define\nasync def flow():\n", "wf.now().timestamp()"),
        ("import time\n", "time.time()", "from holdfast.workflow import define, now\n\n\n@define\nasync def flow():\n", "workflow.now().timestamp()"),
        # Aliases of what is replaced are seen through.
        ("import datetime as dt\n", "dt.datetime.now(dt.timezone.utc)", HEAD, "workflow.now()"),
        ("import datetime as dt\n", "dt.datetime.now(tz=dt.UTC)", HEAD, "workflow.now()"),
        ("from datetime import datetime\nfrom zoneinfo import ZoneInfo\n", 'datetime.now(ZoneInfo("Asia/Tokyo"))', HEAD, 'workflow.now().astimezone(ZoneInfo("Asia/Tokyo"))'),
        ("from random import choice as pick\n", "pick([1, *range(3)], )", HEAD, "workflow.random().choice([1, *range(3)], )"),
        ("import random\n", "random.gauss(mu=1, sigma=2)", HEAD, "workflow.random().gauss(mu=1, sigma=2)"),
        ("import uuid as ids\n", "ids.uuid4().hex", HEAD, "workflow.uuid4().hex"),
    ],
)  # fmt: skip
def test_a_call_is_replaced_whatever_it_and_the_library_are_called_here(
    fixed: Callable[..., str], imports: str, call: str, head: str, expected: str
) -> None:
    after = fixed(flow(f"return {call}", imports=imports, head=head))

    assert f"    return {expected}\n" in after
    assert "import workflow as wf, workflow" not in after


@pytest.mark.parametrize(
    "body",
    [
        ["workflow = name", "return time.time()"],
        ["return [time.time() for workflow in name]"],
        ["now = time.time", "return now()"],
    ],
)
def test_a_call_stays_where_the_name_of_the_library_is_taken_or_the_callee_is_not_plain(
    fixed: Callable[..., str], body: list[str]
) -> None:
    text = flow(*body, imports="import time\n")

    assert fixed(text, unsafe=True) == text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("time.sleep(delay * 60)", "await workflow.sleep(timedelta(seconds=delay * 60))"),
        ("x = time.sleep(1) or 2", "x = await workflow.sleep(timedelta(seconds=1)) or 2"),
        ("x = str(time.sleep(1) is None)", "x = str(await workflow.sleep(timedelta(seconds=1)) is None)"),
        ("x = time.sleep(1).real", "x = (await workflow.sleep(timedelta(seconds=1))).real"),
        ("x = [time.sleep(1) for _ in name]", "x = [await workflow.sleep(timedelta(seconds=1)) for _ in name]"),
    ],
)  # fmt: skip
def test_a_sleep_keeps_its_seconds_and_is_awaited(
    fixed: Callable[..., str], body: str, expected: str
) -> None:
    after = fixed(flow("delay = 0.5", body, imports="import time\n"))

    assert f"    {expected}\n" in after
    assert after.startswith("from datetime import timedelta\n")


@pytest.mark.parametrize(
    "text",
    [
        flow("return [lambda: time.sleep(1)][0]()", imports="import time\n"),
        flow("return list(time.sleep(1) for _ in name)", imports="import time\n"),
        "import time\n" + HEAD + "    def wait():\n        time.sleep(1)\n\n    wait()\n",
    ],
)
def test_a_sleep_stays_where_nothing_can_be_awaited(fixed: Callable[..., str], text: str) -> None:
    assert fixed(text, unsafe=True) == text


def test_a_helper_is_fixed_on_demand_only_since_others_may_call_it(
    fixed: Callable[..., str],
) -> None:
    text = (
        "import time\n"
        + HEAD
        + "    return stamp()\n\n\ndef stamp() -> float:\n    return time.time()\n"
    )

    assert fixed(text) == text
    assert "return workflow.now().timestamp()" in fixed(text, unsafe=True)


IMPORT_CASES = [
    # (before the workflow, what --fix makes of it)
    ('"""Doc."""\n\n', '"""Doc."""\n\nfrom datetime import timedelta\n\n'),
    ("from __future__ import annotations\n\n", "from __future__ import annotations\n\nfrom datetime import timedelta\n\n"),
    ("#!/usr/bin/env python\n# A comment.\n", "#!/usr/bin/env python\n# A comment.\nfrom datetime import timedelta\n\n"),
    ("import re\nimport sys\n\n", "import re\nimport sys\nfrom datetime import timedelta\n\n"),
    ("from collections import deque\nfrom json import loads\n\n", "from collections import deque\nfrom datetime import timedelta\nfrom json import loads\n\n"),
    ("from datetime import date\n\n", "from datetime import date, timedelta\n\n"),
    ("from datetime import UTC, tzinfo\n\n", "from datetime import UTC, timedelta, tzinfo\n\n"),
    ("from datetime import (\n    UTC,\n    tzinfo,\n)\n\n", "from datetime import (\n    UTC,\n    timedelta,\n    tzinfo,\n)\n\n"),
    ("from datetime import (\n    UTC,\n    date\n)\n\n", "from datetime import (\n    UTC,\n    date,\n    timedelta\n)\n\n"),
    ("import datetime\n\n", "import datetime\n\n"),
    ("from datetime import timedelta as delta\n\n", "from datetime import timedelta as delta\n\n"),
    ("from datetime import *\n\n", "from datetime import *\nfrom datetime import timedelta\n\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "expected"), IMPORT_CASES)
def test_an_import_is_put_where_a_sorter_would_put_it(
    fixed: Callable[..., str], before: str, expected: str
) -> None:
    body = "    import time\n\n    time.sleep(1)\n"

    after = fixed(before + HEAD + body)

    assert after.startswith(expected + HEAD)
    compile(after, "flow.py", "exec")


def test_an_import_that_a_fix_makes_needless_goes_and_others_stay(
    fixed: Callable[..., str],
) -> None:
    text = "import time\nimport os, uuid\nfrom random import choice, randint\nimport logging  # noqa: F401\n" + flow(
        "logging.info(time.time())", 'return choice("ab"), uuid.uuid4(), os.sep'
    )  # fmt: skip

    after = fixed(text)

    assert after.startswith(
        "import os\nfrom random import randint\nimport logging  # noqa: F401\nfrom holdfast import workflow\n"
    )


def test_formatting_comments_and_line_ends_are_kept(fixed: Callable[..., str]) -> None:
    text = (
        "import random\n"
        + HEAD
        + "    # keep me\n    return random.choice(  # why\n\t[1,\n 2], )\n"
    )

    after = fixed(text.replace("\n", "\r\n"))

    assert after == (
        HEAD + "    # keep me\n    return workflow.random().choice(  # why\n\t[1,\n 2], )\n"
    ).replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("print()", 'workflow.logger.info("")'),
        ('print("done 100%", flush=True)', 'workflow.logger.info("done 100%")'),
        ("print(name)", 'workflow.logger.info("%s", name)'),
        ('print("name:", name)', 'workflow.logger.info("%s %s", "name:", name)'),
    ],
)
def test_print_becomes_a_log_on_demand(
    fixed: Callable[..., str], written: str, expected: str
) -> None:
    assert fixed(flow(written)) == flow(written)
    assert fixed(flow(written), unsafe=True) == flow(expected)


@pytest.mark.parametrize("written", ['print("a", end="")', "print(*name)", 'print("a", sep=name)'])
def test_a_print_that_no_log_can_be_stays(fixed: Callable[..., str], written: str) -> None:
    assert fixed(flow(written), unsafe=True) == flow(written)


@pytest.mark.parametrize(
    ("written", "expected", "safe"),
    [
        ("for x in {1, 2}:", "for x in sorted({1, 2}):", True),
        ("for x in {f'{n}' for n in name}:", "for x in sorted({f'{n}' for n in name}):", True),
        ("for x in {str(n) for n in name}:", "for x in sorted({str(n) for n in name}):", True),
        ("for x in {'a'} | {name}:", "for x in sorted({'a'} | {name}):", True),
        ("for x in list({1, 2}):", "for x in sorted({1, 2}):", True),
        ("for x in {1, 'a'}:", "for x in sorted({1, 'a'}):", False),
        ("for x in {load(n) for n in name}:", "for x in sorted({load(n) for n in name}):", False),
    ],
)
def test_a_loop_over_a_set_is_sorted_safely_when_its_elements_surely_compare(
    fixed: Callable[..., str], written: str, expected: str, *, safe: bool
) -> None:
    def text(header: str) -> str:
        return "import asyncio\n" + flow(header, "    await asyncio.sleep(1)")

    assert fixed(text(written)) == text(expected if safe else written)
    assert fixed(text(written), unsafe=True) == text(expected)


def test_a_second_fix_in_the_same_place_waits_for_the_next_pass(fixed: Callable[..., str]) -> None:
    text = flow("time.sleep(random.randint(1, 6))", imports="import random\nimport time\n")

    assert (
        "    await workflow.sleep(timedelta(seconds=workflow.random().randint(1, 6)))\n"
        in fixed(text)
    )


def edit(line: int, start: int, end: int, text: str) -> Edit:
    return Edit(span=Span(line=line, column=start, end_line=line, end_column=end), text=text)


def test_fixes_that_share_an_edit_fit_together_and_those_that_overlap_do_not() -> None:
    shared = edit(1, 0, 0, "import x\n")
    fixes = [
        Fix(title="one", safe=True, edits=(shared, edit(2, 0, 1, "A"))),
        Fix(title="two", safe=True, edits=(shared, edit(2, 2, 3, "B"))),
        Fix(title="three", safe=True, edits=(edit(2, 0, 3, "C"),)),
    ]

    assert apply_fixes("\na b\n", fixes) == ("import x\n\nA B\n", 2)


def test_extracting_hands_over_parameters_and_leaves_what_it_cannot_move(
    fixed: Callable[..., str],
) -> None:
    text = """\
import httpx

from holdfast import workflow

CLIENT = httpx.AsyncClient()


# What a customer bought.
@workflow.define
async def orders(customer: str, page: int = 0) -> list[str]:
    base = "https://shop.example"
    await CLIENT.post("https://shop.example/seen")
    other = (await CLIENT.get(base)).text
    found: list[str] = (await CLIENT.get(f"https://shop.example/{customer}", params={"page": page})).json()
    raw = await CLIENT.get("https://shop.example")
    return [*found, other, raw.text]
"""
    after = fixed(text, unsafe=True)

    assert "from holdfast import activity, workflow\n" in after
    assert (
        """\
@activity.define
async def post_for_orders() -> None:
    await CLIENT.post("https://shop.example/seen")


"""
        in after
    )
    assert (
        """\
@activity.define
async def get_for_orders(customer: str, page: int) -> list[str]:
    return (await CLIENT.get(f"https://shop.example/{customer}", params={"page": page})).json()


# What a customer bought.
@workflow.define
"""
        in after
    )
    assert "    await post_for_orders()\n" in after
    assert "    found: list[str] = await get_for_orders(customer, page)\n" in after
    assert "    other = (await CLIENT.get(base)).text\n" in after
    assert '    raw = await CLIENT.get("https://shop.example")\n' in after


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("    # holdfast: ignore[HF101] why", ""),
        ("    x = 1  # holdfast: ignore[HF101] why", "    x = 1\n"),
        ("    x = 1  # type: ignore  # holdfast: ignore[HF101] why", "    x = 1  # type: ignore\n"),
        ("    x = 1  # holdfast: ignore[HF101] why  # noqa: E501", "    x = 1  # noqa: E501\n"),
        ("    x = 1  # noqa: E501, HF101 why", "    x = 1  # noqa: E501 why\n"),
        ("    x = 1  # noqa: hf101 why", "    x = 1\n"),
        ("    print(1)  # holdfast: ignore[HF101, HF601] why", "    print(1)  # holdfast: ignore[HF601] why\n"),
        ("    x = 1  # holdfast: ignore[HF101, wall-clock] why", "    x = 1\n"),
    ],
)  # fmt: skip
def test_a_suppression_that_is_of_no_use_goes_and_the_rest_of_its_line_stays(
    fixed: Callable[..., str], line: str, expected: str
) -> None:
    text = HEAD + f"{line}\n    return name\n"

    assert fixed(text) == HEAD + f"{expected}    return name\n"


def test_a_handler_stays_when_another_catches_exception_already(fixed: Callable[..., str]) -> None:
    text = "import asyncio\n" + flow(
        "try:", "    await asyncio.sleep(1)", "except Exception:", "    pass", "except:", "    pass"
    )

    assert fixed(text, unsafe=True) == text


def test_suppress_is_narrowed_too(fixed: Callable[..., str]) -> None:
    text = "import asyncio\nfrom contextlib import suppress\n" + flow(
        "with suppress(KeyError, BaseException):", "    await asyncio.sleep(1)"
    )

    assert fixed(text) == text.replace("BaseException", "Exception")


def test_every_word_of_a_replacement_is_known() -> None:
    given = ("arguments", "first", "function", "member")

    for table in load_replacements():
        codes = {rule.code for rule in load_rules()}
        words = {name: name for name in (*table.names, *given)}
        for row in table.rows:
            assert row.rule in codes
            assert row.write.format(**words)


# The command

SLEEPY = "import time\n" + HEAD + "    time.sleep(1)\n    print(name)\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("flow.py").write_text(SLEEPY)
    return tmp_path


def run(*given: str) -> Result:
    result = CliRunner().invoke(lint, given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.usefixtures("project")
def test_diff_shows_what_fix_would_do_and_exits_with_one() -> None:
    result = run("flow.py", "--diff")

    assert result.stdout.startswith("--- flow.py\n+++ flow.py\n@@ ")
    assert "-    time.sleep(1)\n+    await workflow.sleep(timedelta(seconds=1))\n" in result.stdout
    assert "print" not in "".join(line for line in result.stdout if line[:1] in "+-")
    assert result.exit_code == 1
    assert Path("flow.py").read_text() == SLEEPY


@pytest.mark.usefixtures("project")
def test_fix_writes_and_reports_what_is_left() -> None:
    result = run("flow.py", "--fix")

    assert "fixed 1 finding in 1 file" in result.stderr
    assert "HF601" in result.stdout
    assert "HF305" not in result.stdout
    assert result.exit_code == 1
    assert run("flow.py", "--diff").exit_code == 0
    assert run("flow.py", "--diff", "--unsafe-fixes").exit_code == 1
    assert run("flow.py", "--fix", "--unsafe-fixes").exit_code == 0
    assert run("flow.py", "--diff", "--unsafe-fixes").stdout == ""


@pytest.mark.usefixtures("project")
def test_only_named_files_are_fixed_and_what_the_baseline_knows_stays() -> None:
    Path("flow.py").write_text("from helper import wait\n" + HEAD + "    await wait()\n")
    helper = "import time\n\nasync def wait() -> None:\n    time.sleep(1)\n"
    Path("helper.py").write_text(helper)

    run("flow.py", "--fix", "--unsafe-fixes")
    assert Path("helper.py").read_text() == helper

    run(".", "--baseline", "known.json", "--update-baseline")
    assert run(".", "--baseline", "known.json", "--fix", "--unsafe-fixes").exit_code == 0
    assert Path("helper.py").read_text() == helper

    run(".", "--fix", "--unsafe-fixes")
    assert "await workflow.sleep" in Path("helper.py").read_text()


@pytest.mark.usefixtures("project")
def test_a_file_keeps_its_encoding_and_its_byte_order_mark() -> None:
    latin = "# coding: latin-1\n" + SLEEPY.replace("print(name)", "name += 'é'")
    Path("flow.py").write_bytes(latin.encode("latin-1"))
    Path("other.py").write_bytes(SLEEPY.encode("utf-8-sig"))

    run(".", "--fix")

    assert b"name += '\xe9'" in Path("flow.py").read_bytes()
    assert Path("other.py").read_bytes().startswith(b"\xef\xbb\xbffrom datetime")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fix", "--diff"], "--fix changes files and --diff does not: say one of them"),
        (["--unsafe-fixes"], "--unsafe-fixes needs --fix or --diff"),
    ],
)
@pytest.mark.usefixtures("project")
def test_options_that_do_not_go_together_are_a_sentence(options: list[str], expected: str) -> None:
    result = run("flow.py", *options)

    assert expected in result.stderr
    assert result.exit_code == 2


@pytest.mark.usefixtures("project")
def test_a_report_says_what_could_be_fixed() -> None:
    result = run("flow.py")

    assert "   = fix: wait with `workflow.sleep()`\n" in result.stdout
    assert "   = fix: log it with `workflow.logger` (unsafe)\n" in result.stdout
    assert "fixable: 1 with --fix, 1 with --fix --unsafe-fixes\n" in result.stderr
    assert run("flow.py", "--statistics").stdout == (
        "    1  HF305  blocking-sleep  (1 fixable with --fix)\n"
        "    1  HF601  print  (1 fixable with --fix --unsafe-fixes)\n"
    )
