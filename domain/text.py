"""Which text can be kept."""


def is_storable(text: str) -> bool:
    """False with a NUL or half a surrogate pair, which Postgres holds in no column: writing it would fail for ever."""
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)
