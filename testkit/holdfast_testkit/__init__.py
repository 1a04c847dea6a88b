"""The test kit for workflows."""
