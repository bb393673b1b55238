"""Stock as staff see it."""

from pydantic import BaseModel

from services.inventory import StockPicture


class StockView(BaseModel):
    """In units; available = on_hand − reserved."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    low_stock_threshold: int

    @classmethod
    def of(cls, picture: StockPicture) -> "StockView":
        return cls(**vars(picture), available=picture.on_hand - picture.reserved)
