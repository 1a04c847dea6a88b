"""Bytes → a libcst tree, or a sentence that says why there is none."""

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass

import libcst as cst

# Generated code has long chains of `elif` and `+`, each link of which is a level. Deeper code is not analysed: time
# and stack grow with depth, in libcst more than linearly.
DEEPEST = 500
TOO_DEEP = "is nested too deeply to be checked"
# CPython's own wording, for brackets and for blocks.
NESTING_MESSAGES = (
    "too many nested parentheses",
    "too many levels of indentation",
    "too many statically nested",
)


class UnreadableError(Exception):
    """Say why a file gives no tree, and where."""

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Hold what CPython's parser says about a text."""

    message: str
    line: int | None
    column: int | None


def decode(data: bytes) -> str:
    """Decode a source file as Python does: byte order mark, then coding comment, then UTF-8."""
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise UnreadableError("contains a null byte, so it is not Python source", line=line)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableError(f"is not valid {error.encoding} text", line=line) from error
    except (SyntaxError, LookupError) as error:
        raise UnreadableError(f"cannot be decoded: {error}") from error


def encoding_of(data: bytes) -> str:
    """Name the encoding of a file that `decode` can read, byte order mark included."""
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def parse(text: str) -> cst.Module:
    """Parse `text`, whatever Python version its grammar needs.

    CPython's parser looks first: it tells the depth, and code that is nested too deeply makes libcst's native parser
    overflow the C stack and end the process. Its messages are also the ones that people know. What it calls a syntax
    error may be newer grammar, so there libcst decides.
    """
    complaint = _ask_cpython(text)
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        if complaint is not None:
            raise _unreadable(complaint) from error
        line, column = error.editor_line, error.editor_column
        raise UnreadableError("syntax error: invalid syntax", line=line, column=column) from error
    except RecursionError as error:
        raise UnreadableError(TOO_DEEP) from error


def _ask_cpython(text: str) -> Complaint | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        message = error.msg or "invalid syntax"
        if message.startswith(NESTING_MESSAGES):
            raise UnreadableError(TOO_DEEP, line=error.lineno) from error
        if _brackets(text) > DEEPEST:
            raise UnreadableError(TOO_DEEP) from error
        return Complaint(message=message, line=error.lineno, column=error.offset)
    except (RecursionError, MemoryError) as error:
        raise UnreadableError(TOO_DEEP) from error
    except ValueError as error:
        raise UnreadableError(f"cannot be parsed: {error}") from error
    if _is_deeper(tree, DEEPEST):
        raise UnreadableError(TOO_DEEP)
    return None


def _is_deeper(tree: ast.AST, limit: int) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(limit):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def _brackets(text: str) -> int:
    """Count how deep brackets nest, taking those in strings along: close enough to refuse the absurd."""
    depth = deepest = 0
    for char in text:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth = max(0, depth - 1)
    return deepest


def _unreadable(complaint: Complaint) -> UnreadableError:
    message = f"syntax error: {complaint.message}"
    return UnreadableError(message, line=complaint.line, column=complaint.column)
