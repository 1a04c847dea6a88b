"""What runs can be asked for by."""

import re
from collections.abc import Mapping
from typing import Any

from holdfast._arguments import check_kind, check_text, check_whole, refuse
from holdfast.health import CODES, Family

_PLACE = re.compile(r".+:[0-9]+")
_FAMILIES = tuple(family.value for family in Family)


def check_filters(
    *, health: Any, workflow: Any, before: Any, limit: Any, past: Any, **more: Any
) -> None:
    """Refuse filters of `Client.list` that no run could pass: the answer would be taken for what there is."""
    if health is not None and health not in (*CODES, *_FAMILIES):
        known = f"a family ({', '.join(_FAMILIES)}) or a code such as stuck.no_worker"
        refuse("list", "health", health, known)
    check_text("list", "workflow", workflow, optional=True, what="the name of a workflow")
    check_kind("list", "prefix", more["prefix"], str, "a str, the beginning of a run id")
    example = 'a dict, for example {"customer": "acme", "amount >=": 100}'
    check_kind("list", "where", more["where"], Mapping, example, optional=True)
    if past is not None and (not isinstance(past, str) or not _PLACE.fullmatch(past)):
        refuse("list", "past", past, "a file and a line as reports show them: orders/flow.py:41")
    match before:
        case None | (int(), str()):
            pass
        case _:
            refuse("list", "before", before, "(created_at, id) of the last run of the page before")
    check_whole("list", "limit", limit, least=1)
