from .names import queue_name

__all__ = ["queue_name"]
