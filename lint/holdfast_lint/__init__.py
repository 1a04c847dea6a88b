"""The static checker for workflow code."""
