"""HF121: a helper that comes in by a star import draws an id, under another name for `uuid4`."""
