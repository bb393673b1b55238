"""A SKU's stock with its version as the ETag, which `If-Match` is compared with."""

from typing import Annotated

from fastapi import Path, Response

from api.rendering import json_response
from api.schemas.inventory.stock import StockView
from services.inventory import StockPicture

SkuPath = Annotated[str, Path(max_length=64)]


def tag_of(picture: StockPicture) -> dict[str, str]:
    return {"ETag": f'"{picture.version}"'}


def show(picture: StockPicture, status: int = 200) -> Response:
    return json_response(StockView.of(picture), status, headers=tag_of(picture))
