"""Fine (HF121): the project's own `uuid4`, `time` and `urandom` compute from what they are given."""

from holdfast import activity, workflow


class Sequence:
    def __init__(self, start: int) -> None:
        self.value = start

    def uuid4(self) -> str:
        self.value += 1
        return f"{self.value:032x}"

    def time(self) -> int:
        return self.value * 10


def urandom(size: int, seed: int) -> bytes:
    return bytes((seed * place) % 251 for place in range(size))


@activity.define
async def store(key: str, at: int, salt: str) -> None: ...


@workflow.define
async def save(start: int) -> str:
    sequence = Sequence(start)
    key = sequence.uuid4()
    await store(key, sequence.time(), urandom(8, start).hex())
    return key
