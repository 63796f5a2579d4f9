"""What a person who gives us sources has to act on."""


class SourceError(Exception):
    """A source cannot be read; the message names it and the next step in one line."""


class UnreachableError(SourceError):
    """A source did not load this time (timeout, server error): what it held before may still be true."""


class EmptyError(SourceError):
    """A source was read, and it holds nothing: a board without openings, a feed without entries."""
