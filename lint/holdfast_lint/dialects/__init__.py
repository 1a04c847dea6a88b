"""One library each."""
