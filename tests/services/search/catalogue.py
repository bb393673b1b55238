"""A catalogue made to be searched: few words, so that much is found, and much that is equal but for the id."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlmodel import col, select

from core.database import Database
from models.catalogue import Category, Product, Variant
from models.inventory import Stock
from services import inventory
from services.catalogue import publishing

WORDS = ("lamp", "lamps", "lampshade", "Desk", "oak", "Café", "brass", "red", "180", "ガラス", "wi-fi", "Süß", "t")
BRANDS = ("Hestia", "Volt & Ohm", "Maison d'Été", "Oak | Brass", 'A "B" {C}', None)
CATEGORIES = {"home": None, "lighting": "home", "desk-lamps": "lighting", "kitchen": None}
MATERIALS = ("oak", "brass", 'o"a\\k', "a|b", " spaced ", "tab\there", "x\x1fy")
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


async def stock_shelves(database: Database, count: int, seed: int) -> None:
    """Products with everything that is searched, filtered, ordered and counted by."""
    dice = random.Random(seed)
    async with database.transaction() as session:
        categories: dict[str, Any] = {}
        for slug, parent in CATEGORIES.items():
            category = Category(slug=slug, name=slug.title(), parent_id=categories.get(parent or ""))
            session.add(category)
            await session.flush()
            categories[slug] = category.id
        products = [_product(dice, number, categories) for number in range(count)]
        session.add_all(products)
        await session.flush()
        ids = [product.id for product in products]
        variants: list[dict[str, Any]] = [
            {"product_id": id_, "sku": f"S{n}-{v}", "price": dice.choice((0, 99, 100, 499, 500, 1999, 2000, 12_345)),
             "currency": "USD", "options": {}, "position": v}
            for n, id_ in enumerate(ids) for v in range(dice.choice((0, 1, 1, 2)))
        ]  # fmt: skip
        await session.execute(insert(Variant), variants)
        shelf = {"location_id": await inventory.main_location(session), "reserved": 0}
        skus = (await session.execute(select(col(Variant.sku)))).scalars().all()
        await session.execute(insert(Stock), [shelf | {"sku": sku, "on_hand": dice.choice((0, 0, 3))} for sku in skus])
        await publishing.publish(session, ids)


def _product(dice: random.Random, number: int, categories: dict[str, Any]) -> Product:
    def some(least: int, most: int) -> str:
        return " ".join(dice.choice(WORDS) for _ in range(dice.randint(least, most)))

    attributes: dict[str, Any] = {
        "material": dice.choice((*MATERIALS, list(MATERIALS[:3]), ["brass", "brass"])),
        "weight": dice.choice((1, 1.5, True, 180)),
        "a:b": "c",
        "note": "n" * dice.choice((120, 121)),
    }
    return Product(
        slug=f"product-{number}",
        name=some(1, 3),
        description=some(0, 6),
        brand=dice.choice(BRANDS),
        category_id=dice.choice((None, *categories.values())),
        status=dice.choice(("active",) * 9 + ("draft",)),
        attributes={name: value for name, value in attributes.items() if dice.random() < 0.7},
        created_at=JANUARY + timedelta(microseconds=dice.randint(0, count_of_moments(number))),
    )


def count_of_moments(number: int) -> int:
    """Few, so that several products came at one moment."""
    return 3 + number // 10
