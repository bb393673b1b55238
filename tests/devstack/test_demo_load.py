"""Loading the demo catalogue and the demo accounts into a real database."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from api.schemas.catalogue import ProductView
from core.database import Database
from core.settings import Environment, Settings
from devstack.demo import load as command
from devstack.demo.accounts import DEMO_PASSWORD
from devstack.demo.catalogue import Catalogue, ProductEntry, read_catalogue
from devstack.demo.loading import Loaded, load_catalogue
from devstack.servers import Postgres
from devstack.servers.ports import free_port
from devstack.stack_children import ROOT
from domain.errors import SkuTaken
from models.accounts import User
from models.base import metadata
from models.catalogue import Product, ProductStatus
from models.inventory import MovementKind, Stock, StockMovement
from services.catalogue import reading as shop_window
from services.catalogue import selling
from services.passwords import verify_password
from tests.builders import Shop

SKU = "TEE-BASIC-BLACK-M"
WHOLE = read_catalogue()
TEE = next(product for product in WHOLE.products if product.slug == "basic-tee")
FEW = Catalogue(categories=WHOLE.categories, products=[TEE, *WHOLE.products[20:24]])
"""Enough where a test is not about the number."""


async def load(database: Database, catalogue: Catalogue = FEW) -> Loaded:
    async with database.transaction() as session:
        return await load_catalogue(session, catalogue, low_stock_threshold=5)


async def rows(database: Database) -> dict[str, list[Any]]:
    """Everything in the tables that loading writes, times included."""
    async with database.snapshot() as session:
        return {
            name: [tuple(row) for row in await session.execute(select(table).order_by(*table.primary_key))]
            for name, table in metadata.tables.items()
            if name in ("categories", "products", "variants", "stock", "stock_movements", "users")
        }


async def version(database: Database, slug: str) -> int:
    async with database.snapshot() as session:
        return (await session.execute(select(col(Product.version)).where(col(Product.slug) == slug))).scalar_one()


def changed(**change: object) -> Catalogue:
    """The few, with a change to the tee."""
    return FEW.model_copy(update={"products": [TEE.model_copy(update=change), *FEW.products[1:]]})


def with_price(product: ProductEntry, price: int) -> list[Any]:
    return [product.variants[0].model_copy(update={"price": price}), *product.variants[1:]]


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and output of the command, with the settings of this test run."""
    done = subprocess.run(
        [sys.executable, "-m", "devstack.demo.load", *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture
def local(settings: Settings) -> Settings:
    return settings.model_copy(update={"environment": Environment.LOCAL})


async def test_loading_makes_everything(database: Database, local: Settings) -> None:
    lines = await command.load(database, local, WHOLE)
    products, skus = len(WHOLE.products), sum(len(product.variants) for product in WHOLE.products)
    assert lines[0].startswith(f"{products} products in 12 categories: {products} new, 0 changed, 0 unchanged.")
    made = await rows(database)
    assert len(made["categories"]) == 12
    assert len(made["products"]) == products
    assert len(made["variants"]) == len(made["stock"]) == skus
    assert len(made["users"]) == 3


async def test_loading_twice_changes_nothing(database: Database, local: Settings) -> None:
    await command.load(database, local, WHOLE)
    before = await rows(database)
    lines = await command.load(database, local, WHOLE)
    assert f"0 new, 0 changed, {len(WHOLE.products)} unchanged. 0 new SKUs with 0 units." in lines[0]
    assert await rows(database) == before


async def test_two_loadings_at_once_are_one(shop: Shop) -> None:
    both = await asyncio.gather(load(shop.database), load(shop.database))
    assert sorted(loaded.new for loaded in both) == [0, len(FEW.products)]
    assert sorted(loaded.unchanged for loaded in both) == [0, len(FEW.products)]
    await shop.require_invariants()


async def test_the_books_add_up_after_loading(shop: Shop) -> None:
    await load(shop.database, WHOLE)
    await shop.require_invariants()


async def test_opening_stock_is_explained_by_the_ledger(database: Database) -> None:
    await load(database, WHOLE)
    opening = {variant.sku: variant.stock for product in WHOLE.products for variant in product.variants}
    async with database.snapshot() as session:
        movements = (await session.execute(select(StockMovement))).scalars().all()
    assert {row.sku: row.delta for row in movements} == {sku: units for sku, units in opening.items() if units}
    assert {(row.kind, row.reason) for row in movements} == {(MovementKind.RECEIPT, "opening stock")}


async def test_products_have_the_dates_of_the_file(database: Database) -> None:
    await load(database, WHOLE)
    async with database.snapshot() as session:
        found = await session.execute(select(col(Product.slug), col(Product.created_at)))
        dates = {slug: created_at.date() for slug, created_at in found}
    assert dates == {product.slug: product.listed_on for product in WHOLE.products}


async def test_what_is_loaded_is_shown_whole(database: Database) -> None:
    await load(database)
    async with database.reading() as session:
        shown = ProductView.model_validate_json((await shop_window.product(session, TEE.slug)).json)
    assert (shown.name, shown.brand, shown.in_stock) == (TEE.name, TEE.brand, True)
    assert shown.category is not None
    assert shown.category.slug == TEE.category
    assert [variant.sku for variant in shown.variants] == [variant.sku for variant in TEE.variants]


async def test_categories_stand_where_the_file_has_them_once_and_where_staff_put_them_then(shop: Shop) -> None:
    await load(shop.database)
    below = "SELECT c.slug, p.slug FROM categories c JOIN categories p ON p.id = c.parent_id"
    assert await shop.rows(below) == [(one.slug, one.parent) for one in WHOLE.categories if one.parent]
    await shop.rows("UPDATE categories SET parent_id = NULL, name = 'Other'")
    await load(shop.database)
    assert await shop.rows(below) == []
    assert {row[0] for row in await shop.rows("SELECT name FROM categories")} == {c.name for c in WHOLE.categories}


@pytest.mark.spoils_books
async def test_stock_that_changed_meanwhile_stays(shop: Shop) -> None:
    await load(shop.database)
    async with shop.database.transaction() as session:
        await session.execute(update(Stock).where(col(Stock.sku) == SKU).values(on_hand=7, reserved=2))
    more = [variant.model_copy(update={"stock": 900}) for variant in TEE.variants]
    loaded = await load(shop.database, changed(variants=more))
    assert await shop.stock(SKU) == (7, 2)
    assert (loaded.changed, loaded.new_skus) == (0, 0)


async def test_a_changed_price_is_the_next_version_of_that_product_alone(database: Database) -> None:
    await load(database)
    loaded = await load(database, changed(variants=with_price(TEE, 2099)))
    assert (loaded.new, loaded.changed, loaded.unchanged) == (0, 1, len(FEW.products) - 1)
    assert await version(database, "basic-tee") == 2
    assert await version(database, FEW.products[1].slug) == 1
    async with database.snapshot() as session:
        offer = await selling.offer(session, TEE.variants[0].sku)
    assert offer.price.amount == 2099


async def test_text_and_price_changed_together_are_one_version(database: Database) -> None:
    await load(database)
    await load(database, changed(description="Another text. Of two sentences.", variants=with_price(TEE, 2099)))
    assert await version(database, "basic-tee") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Plain Tee"},
        {"brand": "Brackwater"},
        {"category": "home"},
        {"status": ProductStatus.ARCHIVED},
        {"attributes": {"weight_g": 181}},
        {"images": []},
        {"currency": "EUR"},
        {"variants": list(reversed(TEE.variants))},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_whatever_the_file_changes_of_a_product_follows(database: Database, change: dict[str, Any]) -> None:
    await load(database)
    assert (await load(database, changed(**change))).changed == 1
    assert (await load(database, changed(**change))).changed == 0
    assert await version(database, "basic-tee") == 2


async def test_a_new_variant_of_a_known_product_gets_its_opening_stock(shop: Shop) -> None:
    await load(shop.database, changed(variants=TEE.variants[2:]))
    loaded = await load(shop.database)
    assert (loaded.new, loaded.changed, loaded.new_skus) == (0, 1, 2)
    assert await shop.stock(SKU) == (500, 0)
    await shop.require_invariants()


async def test_products_of_the_shops_own_are_left_alone(shop: Shop) -> None:
    await shop.product("OWN-SKU", stock=3)
    before = (await rows(shop.database))["products"]
    await load(shop.database)
    assert before[0] in (await rows(shop.database))["products"]
    assert await shop.stock("OWN-SKU") == (3, 0)


async def test_a_sku_of_another_product_is_refused_and_nothing_is_loaded(shop: Shop) -> None:
    await shop.product(SKU)
    before = await rows(shop.database)
    with pytest.raises(SkuTaken, match=f"{SKU} \\({SKU.lower()}"):
        await load(shop.database)
    assert await rows(shop.database) == before


async def test_progress_counts_every_product(database: Database) -> None:
    heard: list[int] = []
    async with database.transaction() as session:
        await load_catalogue(session, WHOLE, low_stock_threshold=5, advance=heard.append)
    assert sum(heard) == len(WHOLE.products)
    assert len(heard) > 3


async def test_each_demo_account_signs_in_with_its_role(database: Database, local: Settings) -> None:
    await command.load(database, local, FEW)
    async with database.snapshot() as session:
        users = {user.email: user for user in (await session.execute(select(User))).scalars()}
    assert {email: user.role for email, user in users.items()} == {
        "admin@example.com": "admin",
        "staff@example.com": "staff",
        "customer@example.com": "customer",
    }
    for user in users.values():
        assert user.is_active
        assert await verify_password(DEMO_PASSWORD, user.password_hash)


async def test_an_account_that_is_there_keeps_its_password(shop: Shop, local: Settings) -> None:
    await shop.user("staff", "admin@example.com", password_hash="chosen by its owner")
    lines = await command.load(shop.database, local, FEW)
    assert lines[1] == "3 demo accounts: 2 new, 1 there already."
    async with shop.database.snapshot() as session:
        user = (await session.execute(select(User).where(col(User.email) == "admin@example.com"))).scalar_one()
    assert (user.password_hash, user.role) == ("chosen by its owner", "staff")


@pytest.mark.parametrize("environment", [Environment.TEST, Environment.STAGING, Environment.PRODUCTION])
async def test_outside_local_there_are_no_demo_accounts(
    database: Database, settings: Settings, environment: Environment
) -> None:
    elsewhere = settings.model_copy(update={"environment": environment})
    lines = await command.load(database, elsewhere, FEW)
    assert lines[1].startswith(f"No demo accounts, because the environment is {environment}")
    async with database.snapshot() as session:
        assert (await session.execute(select(func.count()).select_from(User))).scalar_one() == 0
        assert (await session.execute(select(func.count()).select_from(Product))).scalar_one() == len(FEW.products)


def test_away_from_a_terminal_the_command_prints_one_line_for_each_thing_it_loads(database: Database) -> None:
    code, output = run()
    assert code == 0
    assert [line.split(":")[0] for line in output.splitlines()] == [
        f"{len(WHOLE.products)} products in 12 categories",
        "No demo accounts, because the environment is test",
    ]


def test_a_database_without_tables_is_one_clear_message(postgres: Postgres) -> None:
    code, output = run(TILLWRIGHT_DATABASE_URL=f"{postgres.url.rpartition('/')[0]}/postgres")
    assert code == 1
    assert "Make them first: make migrate" in output
    assert "Traceback" not in output


def test_a_database_that_is_not_there_is_one_clear_message() -> None:
    code, output = run(TILLWRIGHT_DATABASE_URL=f"postgresql+asyncpg://a:b@127.0.0.1:{free_port()}/c")
    assert code == 1
    assert "Start it with make dev" in output
    assert "Traceback" not in output


def test_a_file_that_is_not_there_is_one_clear_message() -> None:
    code, output = run("--file", "nowhere.json")
    assert code == 1
    assert output.startswith("nowhere.json is not a catalogue.")
