"""The pytest plugin of holdfast."""
