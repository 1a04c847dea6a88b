"""Databases."""

from holdfast_lint.rule import Rule, effects

RULE = Rule(
    code="HF205",
    name="database",
    what=(
        "A workflow queries a database: sqlite3, psycopg, asyncpg, SQLAlchemy engines and sessions, redis, "
        "MongoDB."
    ),
    why="The rows change between the first run and the replay, and every replay would write again.",
    check=effects("HF205", "{name} talks to a database, and every replay would do it again"),
    bad=(
        """\
import sqlite3

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    rows = sqlite3.connect("shop.db").execute("select name from customer")
    return str(list(rows)) + customer
""",
        """\
from sqlalchemy import create_engine

ENGINE = create_engine("sqlite://")


from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    with ENGINE.connect() as connection:
        return str(connection.execute(customer))
""",
    ),
    good=(
        """\
import sqlite3

from holdfast import activity, workflow


@activity.define
async def look_up(customer: str) -> str:
    return str(list(sqlite3.connect("shop.db").execute(customer)))


@workflow.define
async def order(customer: str) -> str:
    return await look_up(customer)
""",
        """\
from sqlalchemy import select, text

from holdfast import workflow


@workflow.define
async def order(customer: str) -> str:
    return str(select(text(customer)))
""",
    ),
)
