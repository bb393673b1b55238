"""For staff: does everything still add up."""

from fastapi import APIRouter

from api.dependencies import ResourcesDep
from api.invariants import check_all
from api.policies import OperatorDep
from api.schemas.common import problems
from api.schemas.operations import InvariantRow, Invariants

router = APIRouter()


@router.get(
    "/invariants",
    operation_id="check_invariants",
    summary="The invariants of stock, money, orders and workflows",
    responses=problems(s403="Only staff see this."),
)
async def check_invariants(operator: OperatorDep, resources: ResourcesDep) -> Invariants:
    """Those marked `at rest` may show orders that are in motion at this instant."""
    at, findings = await check_all(resources.database, resources.gateway, resources.temporal, resources.redis)
    return Invariants(at=at, rows=[InvariantRow.of(finding) for finding in findings])
