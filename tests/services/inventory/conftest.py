import pytest

from services.audit import Actor
from tests.builders import Shop
from tests.services.inventory.stockroom import Stockroom


@pytest.fixture
async def stockroom(shop: Shop) -> Stockroom:
    """Somebody of the staff, with one location beside the main one."""
    room = Stockroom(shop, Actor(await shop.user("staff")))
    await room.add_location("annex")
    return room
