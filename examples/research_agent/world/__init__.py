"""The outside world on one machine: real protocols, local processes, and a ledger of effects."""

from research_agent.world.ledger import Entry, Ledger, read_ledger
from research_agent.world.world import World

__all__ = ["Entry", "Ledger", "World", "read_ledger"]
