"""Writing the tree of categories, by one at a time: what a rule of the tree was judged by stays so until the commit."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import CategoryCycle, CategoryTooDeep, CategoryUnknown, InUse, NotFound, SlugTaken, Stale
from domain.slugs import numbered, slug_of
from models.catalogue import Category, Product, SearchChange
from services import audit
from services.audit import Actor
from services.catalogue import tree
from services.catalogue.drafts import CategoryChange, CategoryDraft
from services.catalogue.tree import Node, Tree

DEEPEST = 6
"""Levels. Deeper trees are not browsed, and one query reads what is below a category."""


async def create(session: AsyncSession, draft: CategoryDraft, actor: Actor) -> UUID:
    """Raises SlugTaken, CategoryUnknown for the parent, and CategoryTooDeep."""
    there = await _locked(session)
    parent = _parent(there, draft.parent)
    _require_depth(parent, levels=1)
    slug = draft.slug or _free_slug(there, draft.name)
    _require_free(there, slug)
    category = Category(
        slug=slug, name=draft.name, parent_id=parent.category.id if parent else None, position=draft.position
    )
    session.add(category)
    await session.flush()
    await audit.record(session, actor, "category.create", "category", category.id, slug=slug, parent=draft.parent)
    return category.id


async def change(
    session: AsyncSession, id_or_slug: str, wanted: CategoryChange, actor: Actor, *, expected: int | None = None
) -> UUID:
    """Products show the new name at once, search after its next look. Nothing is written when it is all so already.

    Raises NotFound, Stale, SlugTaken, CategoryUnknown for the parent, CategoryCycle and CategoryTooDeep.
    """
    there = await _locked(session)
    node = there.named(id_or_slug)
    category = node.category
    _require_version(category, expected)
    said: dict[str, Any] = wanted.model_dump(exclude_unset=True)
    if "parent" in said:
        said["parent_id"] = _moved_below(there, node, said.pop("parent"))
    if said.get("slug", category.slug) != category.slug:
        _require_free(there, said["slug"])
    changed = [name for name, value in said.items() if getattr(category, name) != value]
    for name in changed:
        setattr(category, name, said[name])
    if changed:
        category.version += 1
        await session.flush()
        await _tell_search(session, there, node, changed)
        await audit.record(session, actor, "category.change", "category", category.id, fields=changed)
    return category.id


async def remove(session: AsyncSession, id_or_slug: str, actor: Actor, *, expected: int | None = None) -> None:
    """Raises NotFound, Stale, and InUse when products or other categories are in it."""
    node = (await _locked(session)).named(id_or_slug)
    category = node.category
    _require_version(category, expected)
    # A product that is being put into it has been waited for: it holds the row.
    await session.execute(select(Category).where(col(Category.id) == category.id).with_for_update())
    used = {
        "categories": exists().where(col(Category.parent_id) == category.id),
        "products": exists().where(col(Product.category_id) == category.id),
    }
    answers = (await session.execute(select(*used.values()))).one()
    if by := [name for name, is_used in zip(used, answers, strict=True) if is_used]:
        raise InUse(f"There are {' and '.join(by)} in it: move them first.", by=" and ".join(by))
    await session.delete(category)
    await session.flush()
    await audit.record(session, actor, "category.delete", "category", category.id, slug=category.slug)


async def _locked(session: AsyncSession) -> Tree:
    """Two moves at once could make a circle of two halves that are good: the second waits, and sees the first."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("category tree"))))
    return await tree.read(session)


def _moved_below(there: Tree, node: Node, slug: str | None) -> UUID | None:
    parent = _parent(there, slug)
    if parent is None:
        return None
    if node.category in parent.path:
        raise CategoryCycle(f"{slug} is {node.category.slug} itself or below it.", category=node.category.slug)
    below = max(other.depth for other in there.subtree(node.category.id))
    _require_depth(parent, levels=below - node.depth + 1)
    return parent.category.id


def _parent(there: Tree, slug: str | None) -> Node | None:
    if slug is None:
        return None
    try:
        return there.named(slug)
    except NotFound as error:
        raise CategoryUnknown(f"There is no category {slug}.", category=slug) from error


def _require_depth(parent: Node | None, *, levels: int) -> None:
    if (parent.depth if parent else 0) + levels > DEEPEST:
        raise CategoryTooDeep(f"The tree has {DEEPEST} levels at most.", deepest=DEEPEST)


def _require_version(category: Category, expected: int | None) -> None:
    if expected is not None and category.version != expected:
        raise Stale(version=category.version)


def _require_free(there: Tree, slug: str) -> None:
    if slug in _slugs(there):
        raise SlugTaken(f"There is a category {slug} already.", slug=slug)


def _free_slug(there: Tree, name: str) -> str:
    slug, taken = slug_of(name, fallback="category"), _slugs(there)
    return next(made for number in range(1, len(taken) + 2) if (made := numbered(slug, number)) not in taken)


def _slugs(there: Tree) -> set[str]:
    return {node.category.slug for node in there.nodes.values()}


async def _tell_search(session: AsyncSession, there: Tree, node: Node, changed: Collection[str]) -> None:
    """Products are found by every category above them, and a document shows the name of the one that it is in."""
    if {"slug", "parent_id"} & set(changed):
        ids = [below.category.id for below in there.subtree(node.category.id)]
    elif "name" in changed:
        ids = [node.category.id]
    else:
        return
    products = select(col(Product.id)).where(col(Product.category_id).in_(ids)).order_by(col(Product.id))
    await session.execute(insert(SearchChange).from_select(["product_id"], products))
