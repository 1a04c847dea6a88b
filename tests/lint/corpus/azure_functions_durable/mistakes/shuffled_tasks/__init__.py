"""HF111: a legacy app, whose orchestrator is made by `Orchestrator.create`, shuffles in a module of helpers."""
