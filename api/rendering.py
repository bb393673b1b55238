"""JSON out: Pydantic models and plain bodies as bytes, with the headers that come with them."""

from hashlib import sha256
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
    is_tagged: bool = False,
) -> Response:
    """`is_tagged` adds an ETag made of the body; where `If-Match` is honoured, the version is the tag instead."""
    content = body.model_dump_json().encode() if isinstance(body, BaseModel) else orjson.dumps(body)
    tag = {"ETag": f'"{sha256(content).hexdigest()[:16]}"'} if is_tagged else {}
    return Response(content, status, headers={**tag, **(headers or {})}, media_type=media_type)
