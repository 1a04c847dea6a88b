"""One rule each."""
