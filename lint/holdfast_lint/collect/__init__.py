"""Source files → `model` values; the only place that knows libcst."""
