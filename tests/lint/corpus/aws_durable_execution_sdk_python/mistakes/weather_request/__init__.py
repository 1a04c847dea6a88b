"""HF204: a method of a client object, two modules away, calls a web service outside any step."""
