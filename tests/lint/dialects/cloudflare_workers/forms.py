import asyncio
import time

from workers import Response, WorkerEntrypoint, WorkflowEntrypoint


class Base(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("charge")
        async def charge() -> float:
            return time.time()

        charge()  # finds HF702
        step.sleep("pause", "1 hour")  # finds HF702
        await asyncio.sleep(1)  # finds HF305
        try:
            await charge()
        except:  # finds HF712
            pass
        return self.now()

    def now(self) -> float:
        return time.time()  # finds HF101


class Nightly(Base):
    async def run(self, event, step):
        await super().run(event, step)
        time.monotonic()  # finds HF102
