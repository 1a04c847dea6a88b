"""What the other packages may use."""

from .clock import month as stamp
from .retries import retrying

__all__ = ["retrying", "stamp"]
