"""Benchmarks: scripts that print a figure and fail where it misses its aim. `make bench` runs them."""
