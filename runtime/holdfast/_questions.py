"""What an approval asks, as one digest, and who counts as one person when several must answer."""

import hashlib
import unicodedata
from typing import Any, cast

from holdfast.errors import ApprovalError, ArgumentError
from holdfast.history import Json, RequestApproval, canonical

MAX_NAME = 200
MAX_COMMENT = 2_000_000  # as much as a payload
SHORT = 12  # of a digest: what people are shown, and may give back
_LEAST = 8


def digest_of(command: RequestApproval) -> str:
    """Return the digest of what people are asked: the same question gives the same digest, whoever asks whom."""
    question = cast(
        "Json", [command.name, command.ask, command.shows, cast("Json", command.schema)]
    )
    return hashlib.sha256(canonical(question).encode()).hexdigest()


def same_digest(saw: str, digest: str) -> bool:
    """Tell whether `saw` is this digest, or enough of its beginning."""
    return len(saw) >= _LEAST and digest.startswith(saw.lower())


def person(name: str) -> str:
    """Return what is the same for all ways to write one name: case, spaces and compatible letters do not count."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def checked_name(by: Any) -> str:
    """Return the name under which a decision is recorded, or raise `ArgumentError`."""
    name = by.strip() if isinstance(by, str) else ""
    if not name or len(name) > MAX_NAME:
        raise ArgumentError(
            f"decide(by=…) needs 1 to {MAX_NAME} characters: the history must say who decided."
        )
    if not name.isprintable():
        raise ArgumentError(
            f"decide(by={name!r}) has characters that nobody can see; write the name in letters."
        )
    return name


def checked_comment(comment: str) -> str:
    """Return a comment that can be stored and read, or raise `ArgumentError`."""
    if len(comment) > MAX_COMMENT:
        raise ArgumentError(
            f"The comment has {len(comment):,} characters; the limit is {MAX_COMMENT:,}. Store the text elsewhere and say where."
        )
    try:
        comment.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(f"The comment is not valid text: {error}.") from None
    if "\0" in comment:
        raise ArgumentError("The comment has a NUL character; remove it.")
    return comment


def checked_saw(saw: str, digest: str, *, what: str) -> str:
    """Return the digest to record for a person who `saw` a question; empty when that is not known."""
    if not saw:
        return ""
    if not same_digest(saw, digest):
        raise ApprovalError(
            f"{what} is not the question that was shown: it has changed since you saw it. "
            "Reload it, and decide again; nothing was changed."
        )
    return digest
