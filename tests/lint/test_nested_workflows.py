"""Workflows that are not at the top of a module."""

from collections.abc import Callable

from holdfast_lint.diagnostic import Report


def test_a_workflow_in_a_class_knows_its_object(check: Callable[..., Report]) -> None:
    report = check(
        {
            "flow.py": """
            import time
            from holdfast import workflow

            class Orders:
                @workflow.define
                async def run(self, order):
                    self.wait()

                @staticmethod
                @workflow.define
                async def other(order):
                    order.run()
                    time.time()

                def wait(self):
                    time.sleep(1)
            """
        }
    )

    assert [item.code for item in report.diagnostics] == ["HF101", "HF305"]
    coverage = report.coverage
    assert (coverage.workflows, coverage.calls, coverage.resolved_calls) == (2, 4, 3)


def test_a_workflow_that_a_function_makes_is_checked(check: Callable[..., Report]) -> None:
    report = check(
        {
            "flow.py": """
            import time
            from holdfast import workflow

            def make(tool):
                @workflow.define(name="made")
                async def made():
                    time.time()
                    tool.run()
                return made

            def deeper():
                from holdfast.workflow import define as flow
                def inside():
                    class Inner:
                        @flow
                        async def run(self):
                            time.sleep(1)
                    return Inner
                return inside

            def main():
                def helper():
                    time.time()
                helper()
            """
        }
    )

    assert [(item.span.line, item.code) for item in report.diagnostics] == [
        (8, "HF101"),
        (18, "HF305"),
    ]
    coverage = report.coverage
    assert (coverage.workflows, coverage.calls, coverage.resolved_calls) == (2, 3, 2)


def test_a_factory_that_is_called_hands_over_what_it_was_given(
    check: Callable[..., Report],
) -> None:
    report = check(
        {
            "flow.py": """
            import time
            from holdfast import workflow

            class Tool:
                def run(self):
                    time.time()

            def make(tool):
                @workflow.define
                async def made():
                    tool.run()
                return made

            flow = make(Tool())
            """
        }
    )

    assert [item.code for item in report.diagnostics] == ["HF101"]
    assert report.coverage.resolved_percent == 100
