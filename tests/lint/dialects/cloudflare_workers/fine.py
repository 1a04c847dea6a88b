import time
import uuid

from workers import Response, WorkerEntrypoint, WorkflowEntrypoint


class Order(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do()
        async def key() -> str:
            return str(uuid.uuid4())

        @step.do(config={"retries": {"limit": 3}})
        async def charge(key, ctx) -> float:
            print(key)
            return time.time()

        await key()
        paid = await step.wait_for_event("paid", "paid", timeout="7 days")
        await step.sleep_until("tomorrow", paid["at"])
        return await charge()


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        await self.env.ORDER.create(id=str(uuid.uuid4()))
        return Response(f"{time.time()}")
