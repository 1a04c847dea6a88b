from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast_lint.diagnostic import Report

Check = Callable[..., Report]

FLOW = """
from holdfast import workflow
{imports}

@workflow.define
async def flow():
    return {call}
"""
CLOCK = """
import time
def now(): return time.time()
"""


def chain(report: Report) -> list[str]:
    (finding,) = report.diagnostics
    return [f"{hop.function} ({hop.path}:{hop.line})" for hop in finding.chain]


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("import app.tools.clock", "app.tools.clock.now()"),
        ("import app.tools.clock as c", "c.now()"),
        ("from app.tools import clock", "clock.now()"),
        ("from app.tools.clock import now as read", "read()"),
        ("from .tools.clock import now", "now()"),
        ("from .tools import clock", "clock.now()"),
        ("from . import tools", "tools.clock.now()"),
        ("from .tools import moment", "moment()"),
        ("from app.tools import *", "moment()"),
        ("from .tools import *", "moment()"),
        ("import app", "app.again()"),
    ],
)
def test_every_way_to_import_a_helper_leads_to_it(check: Check, imports: str, call: str) -> None:
    report = check(
        {
            "app/__init__.py": "from .tools import moment as again\n",
            "app/flow.py": FLOW.format(imports=imports, call=call),
            "app/tools/__init__.py": "from .clock import now as moment\n__all__ = ['moment']\n",
            "app/tools/clock.py": CLOCK,
        }
    )

    assert chain(report) == ["flow (app/flow.py:6)", "now (app/tools/clock.py:3)"]


def test_helpers_are_followed_although_only_the_workflow_was_named(check: Check) -> None:
    files = {
        "flow.py": FLOW.format(imports="import lib.clock", call="lib.clock.now()"),
        "lib/clock.py": CLOCK,
    }

    report = check(files, "flow.py")

    assert chain(report) == ["flow (flow.py:6)", "now (lib/clock.py:3)"]
    assert report.coverage.files == 1


def test_workflows_of_a_followed_module_are_not_checked(check: Check) -> None:
    other = "import time\nfrom holdfast import workflow\n@workflow.define\nasync def other(): time.sleep(1)\n"

    report = check(
        {"flow.py": FLOW.format(imports="import other", call="other.x"), "other.py": other},
        "flow.py",
    )

    assert report.diagnostics == ()
    assert report.coverage.workflows == 1


def test_modules_that_import_each_other_are_linked(check: Check) -> None:
    report = check(
        {
            "one.py": "import two\n"
            + FLOW.format(imports="", call="two.middle()")
            + "import time\ndef end(): time.sleep(1)\n",
            "two.py": "import one\ndef middle(): return one.end()\n",
        }
    )

    assert chain(report) == ["flow (one.py:7)", "middle (two.py:2)", "end (one.py:10)"]


def test_star_imports_in_a_circle_end(check: Check) -> None:
    report = check(
        {
            "one.py": "from two import *\n" + FLOW.format(imports="", call="missing()"),
            "two.py": "from one import *\n",
        }
    )

    assert report.diagnostics == ()
    assert report.coverage.resolved_calls == 0


def test_scripts_of_the_same_name_in_two_folders_are_told_apart(check: Check) -> None:
    report = check(
        {
            "a/main.py": FLOW.format(imports="from steps import step", call="step()"),
            "a/steps.py": "import time\ndef step(): time.sleep(1)\n",
            "b/main.py": FLOW.format(imports="from steps import step", call="step()"),
            "b/steps.py": "def step(): return 1\n",
        }
    )

    assert chain(report) == ["flow (a/main.py:6)", "step (a/steps.py:2)"]


def test_a_call_that_several_workflows_reach_is_one_finding(check: Check) -> None:
    report = check(
        {
            "a.py": FLOW.format(imports="import clock", call="clock.now()"),
            "b.py": FLOW.format(
                imports="import clock\ndef more(): return clock.now()", call="more()"
            ),
            "c.py": FLOW.format(imports="import clock", call="clock.now()"),
            "clock.py": CLOCK,
        }
    )
    (finding,) = report.diagnostics

    assert [hop.path for hop in finding.chain] == ["a.py", "clock.py"]
    assert finding.other_workflows == 2


def test_a_hop_tells_where_it_is_defined_and_where_it_calls_the_next(check: Check) -> None:
    report = check(
        {"a.py": FLOW.format(imports="import clock", call="clock.now()"), "clock.py": CLOCK}
    )
    (finding,) = report.diagnostics

    assert [(hop.line, hop.call_line) for hop in finding.chain] == [(6, 7), (3, 3)]


def test_the_library_itself_is_never_taken_for_a_project_module(check: Check) -> None:
    report = check(
        {
            "flow.py": FLOW.format(imports="", call="workflow.now()"),
            "holdfast/__init__.py": "",
            "holdfast/workflow.py": "import time\ndef define(f): return f\ndef now(): return time.time()\n",
        }
    )

    assert report.diagnostics == ()
    assert report.coverage.workflows == 1


def test_checking_never_imports_the_code(check: Check, tmp_path: Path) -> None:
    mark = tmp_path / "imported.txt"
    trap = f"from pathlib import Path\nPath({str(mark)!r}).touch()\nraise SystemExit\n"

    report = check(
        {
            "trap/__init__.py": trap,
            "trap/flow.py": trap
            + FLOW.format(imports="import trap.helper", call="trap.helper.now()"),
            "trap/helper.py": trap + CLOCK,
        }
    )

    assert [item.code for item in report.diagnostics] == ["HF101"]
    assert not mark.exists()


def test_a_folder_that_bears_the_name_of_a_library_does_not_stand_for_it(
    check: Callable[..., Report],
) -> None:
    report = check(
        {
            "research/agents/planner.py": "x = 1\n",
            "basic/flow.py": """\
                from agents import Hooks, Runner

                from holdfast import workflow


                class Show(Hooks):
                    async def on_start(self, name: str) -> None:
                        print(name)


                @workflow.define
                async def order(name: str) -> str:
                    return await Runner.run(name, hooks=Show())
                """,
        }
    )

    assert [(item.code, item.span.line) for item in report.diagnostics] == [("HF601", 8)]
