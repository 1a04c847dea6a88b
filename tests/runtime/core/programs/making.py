"""Random programs, made from nothing but choices of one of so many: Hypothesis or a seed makes the choices."""

from collections.abc import Callable
from typing import Any

Choose = Callable[[int], int]  # choose(n) gives one of 0 … n-1; 0 is the simplest

_LEAVES = (
    "work", "sleep", "count", "set", "notify", "put", "get", "publish", "chance", "raise", "receive", "child",
    "approval", "compensate", "drop", "roll_back", "wait_until", "await_event", "await_condition", "barrier", "cancel",
    "join", "map", "map_settled", "send", "receive_now", "attributes", "level", "clear", "durable_sleep", "detached",
    "drain",
)  # fmt: skip
_BRANCHES = (
    "try", "gather", "group", "wait", "spawn", "wait_for", "timeout", "as_completed", "shield", "lock", "semaphore",
    "generate", "judge", "on_cancel", "patched", "try_star", "timeout_at", "repeat", "answer",
)  # fmt: skip
_MODES = ("ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION")
_DEPTH = 4


class Maker:
    """Make one program.

    Two rules keep what it makes reasonable. A task awaits only tasks with a greater number, since tasks that await one
    another in a circle cannot be cancelled in any asyncio; and cancellation is swallowed a few times at the most, since
    code that swallows it for ever is refused elsewhere.
    """

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._spawned = 0
        self._task = 0  # the number of the task that the nodes made now belong to
        self._depth = 0
        self._loops = 0
        self._swallows = 0
        self._budget = 60

    def program(self) -> list[Any]:
        nodes = [self._survived(node) for node in self.block(most=10)]
        if self._choose(12) == 11:
            nodes.append(["again"])
        return nodes

    def _survived(self, node: list[Any]) -> list[Any]:
        """Let most failures be caught, so that a program goes on."""
        return ["try", [node], [["work", 0]], []] if self._choose(4) else node

    def block(self, most: int = 3) -> list[Any]:
        self._depth += 1
        nodes = [self._node() for _ in range(1 + self._choose(most))]
        self._depth -= 1
        return nodes

    def _blocks(self) -> list[list[Any]]:
        return [self.block(2) for _ in range(1 + self._choose(3))]

    def _node(self) -> list[Any]:
        self._budget -= 1
        if self._depth > _DEPTH or self._budget < 0 or self._choose(5) < 2:
            return self._leaf(_LEAVES[self._choose(len(_LEAVES))])
        return self._branch(_BRANCHES[self._choose(len(_BRANCHES))])

    def _leaf(self, name: str) -> list[Any]:  # noqa: C901, PLR0911, PLR0912 - one line per operation
        pick = self._choose
        match name:
            case "child":
                return [name, pick(9), ("cancel", "wait", "abandon")[pick(3)]]
            case "map":
                return [name, pick(4), 1 + pick(2)]
            case "map_settled":
                return [name, 3, 1 + pick(3), 1 + pick(3)]
            case "approval":
                return [name, pick(3), pick(2)]
            case "wait_until":
                return [name, 1 + pick(2), pick(3)]
            case "put":
                return [name, pick(3), pick(4)]
            case "get" | "drain":
                return [name, pick(3)]
            case "set" | "clear" | "await_event":
                return [name, pick(2)]
            case "cancel":
                return [name, 1 + pick(3)]
            case "join":
                return [name, self._task + 1 + pick(3)]
            case "sleep" | "durable_sleep" | "notify" | "await_condition" | "receive":
                return [name, pick(4)]
            case "work" | "detached" | "publish" | "raise" | "compensate" | "send" | "attributes":
                return [name, pick(9)]
            case _:
                return [name]

    def _branch(self, name: str) -> list[Any]:  # noqa: C901, PLR0911, PLR0912 - one line per operation
        pick = self._choose
        match name:
            case "try":
                return [name, self.block(), self.block(1), self.block(1)]
            case "gather":
                return [name, self._blocks(), pick(2)]
            case "group":
                return [name, self._blocks(), self.block(1)]
            case "wait":
                then = ("cancel", "await", "leave")[pick(3)]
                return [name, self._blocks(), _MODES[pick(3)], pick(3), then]
            case "as_completed":
                return [name, self._blocks(), pick(3)]
            case "spawn":
                return self._spawn()
            case "wait_for" | "timeout" | "timeout_at":
                return [name, pick(4), self.block()]
            case "lock" | "semaphore":
                return [name, pick(2), self.block()]
            case "generate":
                return [name, 1 + pick(3), pick(4), self._loop()]
            case "repeat":
                return [name, 1 + pick(3), self._loop()]
            case "judge" | "patched":
                return [name, pick(3), self.block(2), self.block(2)]
            case "try_star":
                return [name, self.block(), self.block(1)]
            case "on_cancel":
                return [name, self.block(), self.block(1), self._may_swallow()]
            case "answer":
                return self._answer()
            case _:
                return [name, self.block()]

    def _loop(self) -> list[Any]:
        self._loops += 1
        nodes = self.block(2)
        self._loops -= 1
        return nodes

    def _may_swallow(self) -> int:
        if self._loops or self._swallows >= 3 or not self._choose(2):
            return 0
        self._swallows += 1
        return 1

    def _spawn(self) -> list[Any]:
        self._spawned += 1
        number, outer = self._spawned, self._task
        self._task = number
        nodes = self.block()
        self._task = outer
        return ["spawn", number, nodes]

    def _answer(self) -> list[Any]:
        outer, self._task = self._task, 1_000  # its tasks join nobody
        nodes = self.block(2)
        self._task = outer
        return ["answer", nodes]
