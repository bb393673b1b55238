"""What left the house: shipments, each with some units of some lines of an order."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.base import uuid7_key, written_at


class Shipment(SQLModel, table=True):
    __tablename__ = "shipments"
    __table_args__ = (Index("ix_shipments_of_order", "order_id", "shipped_at"),)

    id: UUID = uuid7_key()
    order_id: UUID = Field(foreign_key="orders.id")
    carrier: str = Field(max_length=80)
    tracking_number: str = Field(max_length=120)
    shipped_by: str = Field(max_length=64, description="`temporal`, or a user's id.")
    shipped_at: datetime = written_at()


class ShipmentLine(SQLModel, table=True):
    """Over all shipments of an order no more units of a SKU than were ordered: kept under the order's lock."""

    __tablename__ = "shipment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    shipment_id: UUID = Field(foreign_key="shipments.id", primary_key=True)
    sku: str = Field(foreign_key="variants.sku", primary_key=True, max_length=64)
    quantity: int
