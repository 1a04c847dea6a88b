"""The checker in an editor: a language server."""
