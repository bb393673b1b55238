"""What a fact is, and what is merely away for now."""

from typing import Any, ClassVar


class Fact(Exception):
    """A refusal that retrying cannot change."""

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts


class Unavailable(Exception):
    """Something we depend on is away for now: the same request may succeed later. `retry_after` in seconds."""

    code: ClassVar[str] = "unavailable"
    title: ClassVar[str] = "Temporarily unavailable"

    def __init__(self, detail: str = "", retry_after: int = 2) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after
