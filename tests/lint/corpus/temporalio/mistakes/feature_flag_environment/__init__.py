"""HF201: a settings object, made in a passed-through module, reads the environment while the workflow runs."""
