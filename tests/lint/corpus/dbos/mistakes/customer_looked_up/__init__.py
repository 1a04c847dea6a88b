"""HF204: the workflow's decorator is hidden in a wrapper, and a helper three calls down makes a request."""
