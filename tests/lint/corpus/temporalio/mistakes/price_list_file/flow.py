from datetime import timedelta

from temporalio import activity, workflow

from price_list_file.pricing import Pricing


@activity.defn
async def quote(customer: str, cents: int) -> None:
    activity.logger.info("quoting %s cents to %s", cents, customer)


@workflow.defn
class Quote:
    @workflow.run
    async def run(self, customer: str, article: str) -> int:
        pricing = Pricing(region="eu")
        cents = pricing.price(article)
        await workflow.execute_activity(
            quote, args=[customer, cents], start_to_close_timeout=timedelta(minutes=1)
        )
        return cents
