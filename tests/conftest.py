"""Fixtures of all tests: a Postgres server, started when the first test asks for it."""

import os
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel
from tests import postgres

from holdfast import Client


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Return the URL of a server on which tests may create databases, each process of a test run its own."""
    given = os.environ.get(postgres.ENVIRONMENT)
    if given:
        yield given
        return
    with postgres.running(postgres.FAST) as server:
        yield server.url()


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """Return the URL of a database with the schema of this release, made for this process."""
    name = f"holdfast_{uuid.uuid4().hex[:12]}"
    engine = create_engine(
        postgres_server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    url = postgres.with_database(postgres_server, name)
    Client(url).close()
    yield url
    with engine.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """Return the URL of an empty database; emptying the tables is a hundred times cheaper than making them anew."""
    engine = create_engine(postgres_database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as conn:
        for table in SQLModel.metadata.sorted_tables:
            conn.execute(table.delete())
    engine.dispose()
    return postgres_database
