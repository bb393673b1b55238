"""The tree of categories. A shop has some hundred of them: whoever needs more than one reads them all."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import InvalidCursor, NotFound
from models.catalogue import Category


@dataclass(frozen=True)
class Node:
    """A category in its place: `path` leads from the root to itself."""

    category: Category
    path: tuple[Category, ...]

    @property
    def parent(self) -> Category | None:
        return self.path[-2] if len(self.path) > 1 else None

    @property
    def depth(self) -> int:
        """1 for a root."""
        return len(self.path)


class Tree:
    """Siblings stand by position, then by name; a parent before its children."""

    def __init__(self, categories: list[Category]) -> None:
        self._children: defaultdict[UUID | None, list[Category]] = defaultdict(list)
        for category in sorted(categories, key=lambda one: (one.position, one.name, one.slug)):
            self._children[category.parent_id].append(category)
        self.nodes = {node.category.id: node for node in self._below(None, ())}

    def _below(self, parent_id: UUID | None, path: tuple[Category, ...]) -> Iterator[Node]:
        for category in self._children[parent_id]:
            node = Node(category, (*path, category))
            yield node
            yield from self._below(category.id, node.path)

    def subtree(self, category_id: UUID) -> list[Node]:
        """The category itself and all that is below it."""
        own = self.nodes[category_id]
        return [own, *self._below(category_id, own.path)]

    def after(self, slug: str | None) -> list[Node]:
        """What follows the category of this slug in the tree's order; all without one. Raises InvalidCursor."""
        nodes = list(self.nodes.values())
        if slug is None:
            return nodes
        for place, node in enumerate(nodes, start=1):
            if node.category.slug == slug:
                return nodes[place:]
        raise InvalidCursor

    def named(self, id_or_slug: str) -> Node:
        """Raises NotFound. No slug is an id."""
        try:
            found = self.nodes.get(UUID(id_or_slug))
        except ValueError:
            found = next((node for node in self.nodes.values() if node.category.slug == id_or_slug), None)
        if found is None:
            raise NotFound("There is no such category.")
        return found


async def read(session: AsyncSession) -> Tree:
    """One query."""
    return Tree(list((await session.execute(select(Category))).scalars()))


def within(slug: str) -> Select[Any]:
    """For a query's WHERE: the ids of this category and of all that is below it; none when there is no such slug."""
    found = select(col(Category.id)).where(col(Category.slug) == slug).cte("within", recursive=True)
    found = found.union_all(select(col(Category.id)).where(col(Category.parent_id) == found.c.id))
    return select(found.c.id)
