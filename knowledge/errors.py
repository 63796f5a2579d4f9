"""The one exception a person who gives us sources has to act on."""


class SourceError(Exception):
    """A source cannot be read; the message names it and the next step in one line."""
