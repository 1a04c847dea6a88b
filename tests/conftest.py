"""Fixtures of all tests: a Postgres server, started when the first test asks for it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlmodel import SQLModel
from tests.postgres import Postgres, serving

from holdfast import Client


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Give the Postgres server of this process of the test run."""
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_database(server: Postgres) -> Iterator[str]:
    """Return the URL of a database with the schema of this release, made for this process."""
    with server.database() as url:
        Client(url).close()
        yield url


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """Return the URL of an empty database; emptying the tables is a hundred times cheaper than making them anew."""
    engine = create_engine(postgres_database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as conn:
        for table in SQLModel.metadata.sorted_tables:
            conn.execute(table.delete())
    engine.dispose()
    return postgres_database
