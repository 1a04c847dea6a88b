"""Gathering the facts that `holdfast.doctor` judges."""

import time
from dataclasses import replace

from holdfast._facts import Facts, SchemaFacts
from holdfast._store import inspecting
from holdfast._store.database import Database, Tx
from holdfast._store.schema import HEAD
from holdfast._store.server import server_facts
from holdfast.errors import DatabaseCorruptError


def examine(database: Database, *, thorough: bool = False) -> Facts:
    """Return what is known about a database, whatever its schema is; `thorough` reads all of it for damage."""
    try:
        facts = database.read_now(_facts, database=database, thorough=thorough)
        before = time.time()
        now = database.read_now(_now)
        took = round((time.time() - before) * 1000)
    except DatabaseCorruptError as error:
        damaged = SchemaFacts(version=None, head=HEAD, damage=(error.message,))
        return Facts(now=0, schema=damaged)
    if facts.server is not None:
        facts = replace(facts, server=replace(facts.server, hears=database.hears()))
    if database.virtual:
        return facts
    return replace(facts, clock_offset=round(before * 1000) + took // 2 - now, clock_doubt=took)


def _now(tx: Tx) -> int:
    return tx.now


def _facts(tx: Tx, *, database: Database, thorough: bool) -> Facts:
    schema = inspecting.schema_facts(tx, thorough=thorough)
    facts = Facts(
        now=tx.now, schema=schema, storage=inspecting.storage_facts(tx, database.place),
        server=server_facts(tx, per_process=database.connections),
    )  # fmt: skip
    gone = any(name.startswith("table") for name in schema.missing)
    unread = facts.server is not None and any("SELECT" in grant for grant in facts.server.lacking)
    if schema.pending or not schema.usable or gone or unread:
        return facts
    runs, activities = inspecting.open_groups(tx)
    return replace(
        facts, workers=inspecting.worker_facts(tx), blocked=inspecting.blocked_groups(tx), runs=runs,
        activities=activities, oldest_due=inspecting.oldest_due(tx), sealed_with=inspecting.keys_in_use(tx),
        known_keys=tx.chain.keys,
    )  # fmt: skip
