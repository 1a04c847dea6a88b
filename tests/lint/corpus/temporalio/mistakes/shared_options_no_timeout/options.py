from datetime import timedelta

BATCH = {"heartbeat_timeout": timedelta(seconds=20), "task_queue": "batch"}
