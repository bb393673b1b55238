"""Stock per SKU and location: held, sold and given back for orders; opened, corrected, counted and moved by staff.

`holding` is what an order does, and each of its steps is safe to repeat and safe against its opposite.
`shelves` is how any of it changes a row.
"""

from services.inventory.holding import commit, hold, release
from services.inventory.locations import main_location
from services.inventory.opening import forget, open_stock
from services.inventory.reading import StockPicture, picture
from services.inventory.returning import take_back

__all__ = ["StockPicture", "commit", "forget", "hold", "main_location", "open_stock", "picture", "release", "take_back"]
