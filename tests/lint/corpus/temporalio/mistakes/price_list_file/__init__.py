"""HF203: a method of an object that is built in the workflow reads a file, three modules below it."""
