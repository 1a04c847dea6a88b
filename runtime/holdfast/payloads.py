"""How payloads lie in the database: plain JSON, or an envelope that says which codecs made it.

A chain of codecs is applied from the first to the last when a payload is written, and undone from the last to the
first when it is read. Every envelope names its codec, so rows that were written before a codec was added, and after,
can be mixed. Each payload is bound to its place, a column of a run: bytes that are moved elsewhere do not open.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import secrets
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from holdfast.errors import ArgumentError, PayloadError, SealedPayloadError

KEYS_VARIABLE = "HOLDFAST_KEYS"
_ENVELOPE = 0xF5  # no JSON text and no UTF-8 text begins with this byte
_TEXT = "\x01hf:"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_MOST_TOLD = 10_000  # texts that are remembered so as not to be told again
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")

Place = tuple[str | int, ...]  # the column, the run, and what numbers the row within the run


@runtime_checkable
class Codec(Protocol):
    """Be one link of the chain; `name` stands in every envelope, so it must never change.

    `encode` returns None to leave a payload as it is. `place` is where the payload lies, for codecs that bind it.
    """

    name: str

    def encode(self, data: bytes, place: bytes) -> bytes | None:
        """Return the body of an envelope."""
        ...

    def decode(self, data: bytes, place: bytes) -> bytes:
        """Return what `encode` was given, or raise `PayloadError`."""
        ...


class Compress:
    """Compress payloads of `threshold` bytes or more, where that makes them smaller."""

    name = "zlib"

    def __init__(self, *, threshold: int = 1_000, level: int = 6) -> None:
        if threshold < 0 or not 0 <= level <= 9:  # noqa: PLR2004 - zlib's own range
            raise ArgumentError(
                f"Compress(threshold={threshold}, level={level}): expected 0 bytes or more, and a level of 0 to 9."
            )
        self._threshold = threshold
        self._level = level

    def encode(self, data: bytes, place: bytes) -> bytes | None:
        """Return the compressed bytes, or None where that would not save any."""
        if len(data) < self._threshold:
            return None
        body = zlib.compress(data, self._level)
        return body if len(body) < len(data) else None

    def decode(self, data: bytes, place: bytes) -> bytes:
        """Return the original bytes."""
        try:
            return zlib.decompress(data)
        except zlib.error as error:
            raise SealedPayloadError(f"its compressed bytes are damaged: {error}") from None


class Encrypt:
    """Encrypt payloads with AES-256-GCM under the first key; read those of any key that is given.

    Args:
        keys: 32-byte keys by id, the newest first; or the same as text, `id:base64,id:base64`, as `HOLDFAST_KEYS` has it.

    A nonce is drawn at random for each payload: rotate a key long before it has sealed four thousand million of them.
    """

    name = "aesgcm"

    def __init__(self, keys: Mapping[str, bytes] | str) -> None:
        self._keys = parse_keys(keys) if isinstance(keys, str) else _checked(dict(keys))
        self._ciphers = {key: _cipher(secret) for key, secret in self._keys.items()}
        self.newest = next(iter(self._keys))
        self.ids = frozenset(self._keys)

    def __repr__(self) -> str:
        return f"Encrypt(<{', '.join(self._keys)}>)"

    def encode(self, data: bytes, place: bytes) -> bytes:
        """Return key id, nonce and ciphertext."""
        key = self.newest.encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed: bytes = self._ciphers[self.newest].encrypt(nonce, data, place)
        return bytes([len(key)]) + key + nonce + sealed

    def decode(self, data: bytes, place: bytes) -> bytes:
        """Return the plain bytes, once the key is known and nothing has been changed or moved."""
        key, body = _split(data)
        if key not in self._ciphers:
            raise _unknown_key(key)
        try:
            plain: bytes = self._ciphers[key].decrypt(
                body[:_NONCE_BYTES], body[_NONCE_BYTES:], place
            )
        except Exception:  # noqa: BLE001 - the library raises InvalidTag, ValueError and OverflowError
            raise SealedPayloadError(
                f"encrypted: it does not open with key {key}: the key given here by that id is another one, or the bytes "
                "were changed or moved. Compare the keys with those of the process that wrote it; restore the row from "
                "a copy of the database if they are the same"
            ) from None
        return plain

    def digests(self, text: str) -> list[str]:
        """Return keyed digests of a text, that of the newest key first: equal texts can be found, guesses cannot be checked."""
        made = []
        for secret in self._keys.values():
            own = hmac.digest(secret, b"holdfast digest", "sha256")
            made.append(hmac.new(own, text.encode(), "sha256").hexdigest()[:32])
        return made


def _cipher(secret: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra
    except ImportError:
        raise PayloadError(
            "Encryption needs the library cryptography, which is not installed. Run: pip install 'holdfast[encryption]'"
        ) from None
    return AESGCM(secret)


def _split(data: bytes) -> tuple[str, bytes]:
    end = 1 + (data[0] if data else 0)
    return data[1:end].decode(errors="replace"), data[end:]


def _unknown_key(key: str) -> SealedPayloadError:
    return SealedPayloadError(
        f"encrypted: key {key} is not known here. Add it to {KEYS_VARIABLE} or to Client(codecs=[Encrypt(…)]) of this "
        "process and start it again",
        key=key,
    )


def parse_keys(text: str) -> dict[str, bytes]:
    """Return keys by id from `id:base64,id:base64`, the newest first; no error ever shows a key."""
    keys: dict[str, bytes] = {}
    for number, part in enumerate(text.split(","), 1):
        key, separator, encoded = part.strip().partition(":")
        try:
            secret = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if not separator or len(secret) != _KEY_BYTES or key in keys:
            raise ArgumentError(
                f"{KEYS_VARIABLE}: entry {number} is not a key, or its id is taken. Expected id:base64 of {_KEY_BYTES} "
                "bytes, the newest first, separated by commas. `holdfast keys new` makes one."
            )
        keys[key] = secret
    return _checked(keys)


def _checked(keys: dict[str, bytes]) -> dict[str, bytes]:
    for key, secret in keys.items():
        if not _KEY_ID.fullmatch(key) or len(secret) != _KEY_BYTES:
            raise ArgumentError(
                f"Encrypt: {key!r} is not the id of a key of {_KEY_BYTES} bytes. An id has letters, digits and . _ -; "
                "`holdfast keys new` makes a key."
            )
    if not keys:
        raise ArgumentError("Encrypt needs at least one key. `holdfast keys new` makes one.")
    return keys


def new_key(key: str | None = None) -> str:
    """Return a new random key as `id:base64`."""
    name = f"k-{secrets.token_hex(3)}" if key is None else key
    secret = secrets.token_bytes(_KEY_BYTES)
    _checked({name: secret})
    return f"{name}:{base64.b64encode(secret).decode()}"


def codecs_of_environment() -> tuple[Codec, ...]:
    """Return what `HOLDFAST_KEYS` asks for: compression and encryption with its keys, or nothing where it is not set."""
    keys = os.environ.get(KEYS_VARIABLE, "").strip()
    return (Compress(), Encrypt(keys)) if keys else ()


class Chain:
    """Turn JSON into stored bytes and back, through codecs."""

    def __init__(self, codecs: Sequence[Codec] = ()) -> None:
        for codec in codecs:
            given: Any = codec
            if not isinstance(given, Codec) or not 0 < len(codec.name.encode()) < 256:  # noqa: PLR2004 - one byte
                raise ArgumentError(
                    f"codecs: {given!r} is not a codec. Expected for example Compress(), Encrypt(keys), or an object with "
                    "name, encode and decode."
                )
        self._codecs = tuple(codecs)
        self._known: dict[str, Codec] = {Compress.name: Compress()}
        self._known |= {codec.name: codec for codec in codecs}
        if len({codec.name for codec in codecs}) != len(self._codecs):
            raise ArgumentError("codecs: two of them have the same name, so reading is ambiguous.")
        self._cipher = next((codec for codec in codecs if isinstance(codec, Encrypt)), None)
        self.id = f"keys:{self._fingerprint()}"
        self._told: set[str] = set()

    @property
    def keys(self) -> frozenset[str]:
        """Return the ids of the keys that are known here; with none, nothing is encrypted."""
        return frozenset() if self._cipher is None else self._cipher.ids

    def _fingerprint(self) -> str:
        """Return what changes with the codecs and keys of a process: a run that these could not read waits for others."""
        parts = [*self._known, *(self._cipher.digests("fingerprint") if self._cipher else ())]
        return hashlib.sha256(" ".join(sorted(parts)).encode()).hexdigest()[:12]

    def pack(self, tree: Any, *place: str | int) -> bytes:
        """Return the bytes that are stored for a payload in a place."""
        data = to_bytes(tree)
        if self._codecs:
            data = self._seal(data, place)
        return data

    def unpack(self, data: bytes, *place: str | int) -> Any:
        """Return the payload of stored bytes, or raise `PayloadError` saying what is missing."""
        if data[:1] != b"\xf5":
            return from_bytes(data)
        return from_bytes(self._open(data, place))

    def pack_text(self, text: str | None, *place: str | int) -> Any:
        """Return a text as it is stored in a column that holds text."""
        if text is None or not (self._codecs or text.startswith(_TEXT)):
            return text
        sealed = self._seal(text.encode(), place)
        if sealed[:1] != b"\xf5" and not text.startswith(_TEXT):
            return text
        return _TEXT + base64.b64encode(sealed).decode()

    def unpack_text(self, text: str | None, *place: str | int) -> Any:
        """Return a text that was stored by `pack_text`."""
        if text is None or not text.startswith(_TEXT):
            return text
        try:
            data = base64.b64decode(text.removeprefix(_TEXT), validate=True)
        except binascii.Error as error:
            raise _sealed(place, SealedPayloadError(f"it is damaged: {error}")) from None
        return self._open(data, place).decode() if data[:1] == b"\xf5" else data.decode()

    def move(self, data: bytes | None, old: Place, new: Place) -> bytes | None:
        """Return stored bytes as they are stored in another place, or raise `SealedPayloadError`."""
        if data is None or not (self._codecs or data[:1] == b"\xf5"):
            return data
        return self._seal(self._open(data, old), new)

    def move_text(self, text: str | None, old: Place, new: Place) -> Any:
        """Return a stored text as it is stored in another place, or raise `SealedPayloadError`."""
        return self.pack_text(self.unpack_text(text, *old), *new)

    def show(self, data: bytes | None, *place: str | int) -> Any:
        """Return a payload, or a text that says why it cannot be read here: for pages and lists."""
        try:
            return None if data is None else self.unpack(data, *place)
        except SealedPayloadError as error:
            return why_sealed(error)

    def show_text(self, text: str | None, *place: str | int) -> Any:
        """Return a text, or one that says why it cannot be read here: for pages and lists."""
        try:
            return self.unpack_text(text, *place)
        except SealedPayloadError as error:
            return why_sealed(error)

    def veil(self, text: str) -> str:
        """Return a text that is only ever compared: itself, or a keyed digest where payloads are encrypted."""
        return text if self._cipher is None else f"hmac:{self._cipher.digests(text)[0]}"

    def veils(self, text: str) -> list[str]:
        """Return every form in which `veil` may have stored a text, under this key or an older one."""
        digests = () if self._cipher is None else self._cipher.digests(text)
        return [text, *(f"hmac:{digest}" for digest in digests)]

    @property
    def newest_key(self) -> str | None:
        """Return the id of the key under which payloads are sealed, or None where they are not."""
        return None if self._cipher is None else self._cipher.newest

    def key_of(self, stored: bytes | str) -> str:
        """Return the id of the key under which stored bytes, or a stored text, are sealed; empty when under none."""
        data = stored if isinstance(stored, bytes) else _bytes_of(stored)
        name, body = _unwrap(data) if data[:1] == b"\xf5" else ("", b"")
        return _split(body)[0] if name == Encrypt.name else ""

    def is_news(self, text: str) -> bool:
        """Tell whether this is asked for the first time: what stays unreadable is logged once, not with every look."""
        if text in self._told or len(self._told) >= _MOST_TOLD:
            return False
        self._told.add(text)
        return True

    def _seal(self, data: bytes, place: Place) -> bytes:
        where = "/".join(map(str, place)).encode()
        for codec in self._codecs:
            body = codec.encode(data, where)
            if body is not None:
                name = codec.name.encode()
                data = bytes([_ENVELOPE, len(name)]) + name + body
        return data

    def _open(self, data: bytes, place: Place) -> bytes:
        where = "/".join(map(str, place)).encode()
        while data[:1] == b"\xf5":
            name, body = _unwrap(data)
            codec = self._known.get(name)
            try:
                data = _undone(codec, name, body, where)
            except SealedPayloadError as error:
                raise _sealed(place, error) from None
        return data


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text.removeprefix(_TEXT)) if text.startswith(_TEXT) else b""
    except binascii.Error:
        return b""


def key_of(data: bytes) -> str | None:
    """Return the id of the key that stored bytes are sealed with, or None; it needs no key."""
    if data[:1] != b"\xf5":
        return None
    name, body = _unwrap(data)
    return _split(body)[0] if name == Encrypt.name else None


def why_sealed(error: SealedPayloadError) -> str:
    """Return what stands in the place of a payload that cannot be read here."""
    return (
        f"encrypted: key {error.key} is not known here"
        if error.key
        else "cannot be read here: " + error.message
    )


def _sealed(place: Place, error: SealedPayloadError) -> SealedPayloadError:
    column, run, *row = (*place, "", "")[: max(2, len(place))]
    where = f"{column} of run {run}" + (f" (#{row[0]})" if row and row[0] != "" else "")
    return SealedPayloadError(
        f"The payload in {where} cannot be read: {error.message}. Nothing is lost.",
        key=error.key,
        place=where,
    )


def _undone(codec: Codec | None, name: str, body: bytes, where: bytes) -> bytes:
    if codec is not None:
        return codec.decode(body, where)
    if name == Encrypt.name:
        raise _unknown_key(_split(body)[0])
    raise SealedPayloadError(
        f"codec {name!r} is not known here. Add it to Client(codecs=[…]) of this process and start it again"
    )


def _unwrap(data: bytes) -> tuple[str, bytes]:
    end = 2 + (data[1] if len(data) > 1 else 0)
    return data[2:end].decode(errors="replace"), data[end:]


def to_bytes(tree: Any) -> bytes:
    """Return plain JSON bytes; for a payload use `tx.pack`, which seals it."""
    # Not sorted: a form shows the fields of an answer in the order in which its type declares them.
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def from_bytes(data: bytes) -> Any:
    """Return the JSON of plain bytes."""
    try:
        return json.loads(data)
    except (ValueError, TypeError) as error:
        raise PayloadError(
            f"A stored payload is damaged: {error}. The database was edited by hand, or its file is damaged."
        ) from None
