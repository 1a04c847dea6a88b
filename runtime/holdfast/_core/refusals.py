"""What asyncio offers and a workflow must not use, because nothing could replay it."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

from holdfast._core.sites import call_site
from holdfast.errors import ForbiddenCallError

# The loop's methods by the rule that finds them. The tables of the linter have the same names.
LOOP_CALLS = {
    "HF301": (
        "run_in_executor", "call_soon_threadsafe", "set_default_executor", "shutdown_default_executor",
        "add_signal_handler", "remove_signal_handler", "set_task_factory", "set_exception_handler",
        "get_exception_handler", "run_forever", "run_until_complete", "stop", "close",
    ),
    "HF204": (
        "getaddrinfo", "getnameinfo", "create_connection", "create_server", "create_unix_connection",
        "create_unix_server", "create_datagram_endpoint", "sock_recv", "sock_recv_into", "sock_recvfrom",
        "sock_recvfrom_into", "sock_sendall", "sock_sendto", "sock_connect", "sock_accept", "sock_sendfile", "sendfile",
        "start_tls", "connect_accepted_socket", "add_reader", "remove_reader", "add_writer", "remove_writer",
    ),
    "HF302": ("subprocess_shell", "subprocess_exec", "connect_read_pipe", "connect_write_pipe"),
}  # fmt: skip


def refuse(call: str, rule: str) -> NoReturn:
    """Raise for a call that cannot be replayed, with the line that made it and the rule that finds it."""
    site = call_site()
    _raise(
        f"{call} cannot be replayed, so a workflow must not use it{f' ({site})' if site else ''}. "
        f"Move the work into an activity. Lint rule {rule} finds this before it runs.",
        rule=rule,
        site=site,
    )


def refuse_foreign(what: str, advice: str) -> NoReturn:
    """Raise for a task or future that is not one of this run."""
    site = call_site()
    _raise(
        f"{what} does not belong to the run{f' ({site})' if site else ''}, so nothing can replay it. {advice} "
        "Lint rule HF301 is about code outside the run's own loop.",
        rule="HF301",
        site=site,
    )


def _raise(message: str, *, rule: str, site: str) -> NoReturn:
    error = ForbiddenCallError(message, rule=rule, site=site)
    # The run remembers it, because its code may catch it; a call from another thread is of no run.
    remember = getattr(asyncio._get_running_loop(), "refused", None)  # noqa: SLF001 - None, and no exception, outside
    raise error if remember is None else remember(error)


def refusing(call: str, rule: str) -> Callable[..., NoReturn]:
    """Return a method of the loop that refuses."""

    def method(self: object, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(f"loop.{call}()", rule)

    method.__name__ = call
    return method
