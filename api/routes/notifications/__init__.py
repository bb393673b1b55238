"""What people are told: their inboxes, and the same live, by stream or by socket.

A socket signs in by its first message and is no request: it stands outside the gate, which `api/app.py` sees to.
"""

from fastapi import APIRouter

from api.routes.notifications import inbox, socket, stream
from api.schemas.common import NOT_SIGNED_IN, problems

__all__ = ["router", "socket"]

router = APIRouter(tags=["notifications"], responses=problems(s401=NOT_SIGNED_IN))
for part in (stream, inbox):
    router.include_router(part.router, prefix="/notifications")
