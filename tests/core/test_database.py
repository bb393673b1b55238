"""Errors of the database name the rule that was broken, and nobody's data."""

import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database import Database
from tests.builders import ADDRESS, Shop


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET total = total + 1 WHERE id = :id",
        "UPDATE orders SET user_id = :id WHERE id = :id",
        "INSERT INTO order_lines SELECT * FROM order_lines WHERE order_id = :id",
    ],
)
async def test_a_broken_rule_is_named_without_the_row(shop: Shop, database: Database, statement: str) -> None:
    await shop.product("LAMP")
    order_id = await shop.held({"LAMP": 1})
    with pytest.raises(DBAPIError) as failed:
        async with database.transaction() as session:
            await session.execute(text(statement), {"id": order_id})
    told = "".join(traceback.format_exception(failed.value))
    assert "constraint" in told
    assert "DETAIL" not in told
    assert str(order_id) not in told
    assert not any(value in told for value in ADDRESS.values() if value and len(value) > 2)


@pytest.mark.parametrize("expression", ["CAST(:name AS int)", "CAST(CAST(:name AS text) AS int)"])
async def test_a_value_that_does_not_fit_is_not_quoted(database: Database, expression: str) -> None:
    """Neither the one that the client cannot send nor the one that the server cannot read."""
    with pytest.raises(DBAPIError) as failed:
        async with database.transaction() as session:
            await session.execute(text(f"SELECT {expression}"), {"name": ADDRESS["full_name"]})
    told = "".join(traceback.format_exception(failed.value))
    assert "can hold" in told
    assert str(ADDRESS["full_name"]) not in told
