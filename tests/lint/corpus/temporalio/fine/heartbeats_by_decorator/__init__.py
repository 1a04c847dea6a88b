"""Fine (HF707): the activity heartbeats through a decorator of another module, which also reads clocks."""
