"""The pure heart: the deterministic loop, one run's execution, and the match of commands against history."""
