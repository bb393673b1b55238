"""Liveness and readiness, at the root and without a token."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from api.dependencies import ResourcesDep
from api.policies import PUBLIC
from api.problems import of_unavailable
from api.rendering import json_response
from api.schemas.common import problems

router = APIRouter(prefix="/health", tags=["operations"], dependencies=[PUBLIC])


@router.get("/live", operation_id="get_liveness", summary="The process answers")
async def live() -> dict[str, str]:
    return {"status": "alive"}


@router.get(
    "/ready",
    operation_id="get_readiness",
    summary="Everything that requests need answers too",
    responses=problems(s503="`detail` says what does not answer."),
)
async def ready(request: Request, resources: ResourcesDep) -> Response:
    checks = {
        "postgres": resources.database.ping(),
        "redis": resources.redis.ping(),
        "temporal": resources.temporal.service_client.check_health(),
    }
    results: list[Any] = await asyncio.gather(
        *(asyncio.wait_for(check, timeout=2) for check in checks.values()), return_exceptions=True
    )
    away = [name for name, result in zip(checks, results, strict=True) if isinstance(result, BaseException)]
    if away:
        return of_unavailable(request, f"Not ready: {', '.join(away)} does not answer.")
    return json_response({"status": "ready"})
