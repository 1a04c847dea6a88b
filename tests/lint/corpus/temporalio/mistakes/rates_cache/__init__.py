"""HF501: runs share a cache in a module that the sandbox lets through, so one run decides what another asks for."""
