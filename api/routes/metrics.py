"""Figures for Prometheus, at the root."""

from fastapi import APIRouter, Response

from api import metrics
from api.dependencies import ResourcesDep
from api.policies import PUBLIC

router = APIRouter(tags=["operations"], dependencies=[PUBLIC])


@router.get("/metrics", operation_id="get_metrics", summary="Figures for Prometheus", response_class=Response)
async def get_metrics(resources: ResourcesDep) -> Response:
    return Response(metrics.exposition(resources.database, resources.redis), media_type=metrics.CONTENT_TYPE)
