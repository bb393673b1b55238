"""The public keys of our tokens, at the root: where whoever verifies them looks."""

from fastapi import APIRouter, Response

from api.dependencies import ResourcesDep
from api.policies import PUBLIC
from api.rendering import json_response
from api.schemas.accounts import KeySet

router = APIRouter(tags=["accounts"])


@router.get(
    "/.well-known/jwks.json",
    operation_id="get_key_set",
    summary="The keys that access tokens are verified with",
    response_model=KeySet,
    dependencies=[PUBLIC],
)
async def get_key_set(resources: ResourcesDep) -> Response:
    """RFC 7517. A token's `kid` names its key. Read it again for a `kid` that you do not know."""
    keys = KeySet.model_validate(resources.tokens.key_set())
    return json_response(keys, headers={"Cache-Control": "public, max-age=300"})
