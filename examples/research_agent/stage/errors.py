"""Why a demonstration ends before its story does."""


class StoryError(Exception):
    """Say in one sentence what did not happen."""
