"""The search index's contract with Temporal: one workflow keeps it in step, another builds it anew."""

from dataclasses import dataclass

PROJECTION_ID = "search-projection"
REBUILD_ID = "search-rebuild"

GENERATION_LOST = "generation-lost"
"""The type of the failure of a step that no longer finds the generation it works on."""


@dataclass(frozen=True)
class SearchProjection:
    """Nothing: its position is kept in Redis, beside what it covers."""


@dataclass(frozen=True)
class SearchRebuild:
    """Nothing: what is built follows from the code and the database."""


@dataclass(frozen=True)
class ProjectChanges:
    """Follow the outbox for a while."""


@dataclass(frozen=True)
class Projected:
    """`needs_rebuild`: there is no index that following the outbox would bring into step."""

    needs_rebuild: bool = False


@dataclass(frozen=True)
class BeginGeneration:
    """`name` is new with every attempt at building one."""

    name: str


@dataclass(frozen=True)
class Generation:
    """The index that is being built, as the code that began it calls it."""

    generation: str


@dataclass(frozen=True)
class FillGeneration:
    """Products are written by id, those after `after` next; None is the beginning."""

    generation: str
    after: str | None = None


@dataclass(frozen=True)
class Filled:
    """The last id that was written; None when all are."""

    after: str | None


@dataclass(frozen=True)
class RetireGenerations:
    """All but the live one."""
