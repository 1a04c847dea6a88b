"""HF602: a hooks object, made in the workflow and handed on, logs through the standard library."""
