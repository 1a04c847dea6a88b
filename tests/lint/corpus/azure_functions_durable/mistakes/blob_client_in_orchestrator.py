"""HF204 or HF205: the orchestrator reads a blob itself, through a client of the module."""

import azure.durable_functions as df
from azure.storage.blob import BlobServiceClient

app = df.DFApp()
blobs = BlobServiceClient(account_url="https://shop.blob.core.windows.net")


@app.activity_trigger(input_name="text")
def index(text: str) -> int:
    return len(text)


@app.orchestration_trigger(context_name="context")
def load(context: df.DurableOrchestrationContext):
    blob = blobs.get_blob_client("orders", context.get_input())
    content = blob.download_blob().readall()  # mistake: HF204 or HF205
    return (yield context.call_activity("index", content.decode()))
