"""The guard: calls that cannot be replayed are refused inside a turn, in user code and in libraries."""
