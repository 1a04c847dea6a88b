"""Taking passwords and keys out of texts that are logged or recorded: what an error says may hold the URL that it met."""

import contextlib
import logging
import re
import traceback

HIDDEN = "***"

# The password of a URL lies between the first `:` after `//` and the last `@` before the host ends. Where somebody has not
# encoded it, it may hold anything but spaces; a number before a `/` is a port, and `password` an example. The lengths bound what a hostile text costs.
_IN_URL = re.compile(
    r"(?P<kept>://[^\s/:@'\"<>]{0,256}:)(?![0-9]+[/?#]|password@)(?:[^\s/'\"<>]{1,1024}|\S{1,1024})(?=@)"
)
_SETTING = re.compile(
    r"(?P<kept>(?:password|passwd|passphrase)['\"]?(?:\s?=\s?|\s?:\s?(?=['\"])))"
    r"(?:'[^']{0,1024}'|\"[^\"]{0,1024}\"|[^\s&;,)}'\"]+)",
    re.IGNORECASE,
)
# A key as `holdfast keys new` prints it: an id, and 32 bytes in base64.
_KEY = re.compile(
    r"(?P<kept>(?<![A-Za-z0-9._-])[A-Za-z0-9._-]{1,40}:)[A-Za-z0-9+/_-]{43}=(?![A-Za-z0-9+/=])"
)


def masked(text: str) -> str:
    """Return a text without the passwords of URLs and connection strings, and without keys of payloads."""
    for pattern in (_IN_URL, _KEY, _SETTING):
        text = pattern.sub(rf"\g<kept>{HIDDEN}", text)
    return text


class _Mask(logging.Filter):
    """Let every record pass, without secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the message and the traceback of a record; one without secrets stays as it is."""
        with contextlib.suppress(
            TypeError, ValueError
        ):  # arguments that do not fit: the handler says so
            message = record.getMessage()
            if (shown := masked(message)) != message:
                record.msg, record.args = shown, ()
        if record.exc_info:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            if (shown := masked(trace)) != trace:
                record.exc_text = shown  # what a formatter takes in the place of its own
        return True


_MASK = _Mask()


def logger(name: str) -> logging.Logger:
    """Return a logger that shows no secret, whatever the errors that it is given say."""
    found = logging.getLogger(name)
    found.addFilter(_MASK)  # once, however often it is asked for
    return found
