"""Logging past the replay-aware logger."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF602",
    name="stdlib-logging",
    severity="warning",
    what=(
        "A workflow logs through the standard library: `logging.info()`, or a logger from "
        "`logging.getLogger()`."
    ),
    why=(
        "Every replay logs the same events again, so that one run looks like many. `workflow.logger` stays "
        "silent during replay and adds the run's id."
    ),
    check=effects("HF602", "{name} logs again in every replay"),
    bad=(
        """\
import logging

LOGGER = logging.getLogger(__name__)


from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    LOGGER.info("order of %s", customer)
    return customer
""",
        """\
import logging

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    logging.warning("order of %s", customer)
    return customer
""",
    ),
    good=(
        """\
import logging

LOGGER = logging.getLogger(__name__)


from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    workflow.logger.info("order of %s", customer)
    return customer
""",
    ),
)
