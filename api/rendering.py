"""JSON out: Pydantic models and plain bodies as bytes, with the headers that come with them."""

from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel


def json_response(
    body: BaseModel | dict[str, Any],
    status: int = 200,
    *,
    headers: dict[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    content = body.model_dump_json().encode() if isinstance(body, BaseModel) else orjson.dumps(body)
    return Response(content, status, headers=headers, media_type=media_type)
