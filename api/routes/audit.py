"""The audit log, for admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.dependencies import ResourcesDep
from api.pagination import PageDep, cut
from api.policies import AuditorDep
from api.schemas.audit import AuditPage, AuditView
from api.schemas.common import NOT_SIGNED_IN, problems
from services import audit
from services.audit import AuditFilter

router = APIRouter(prefix="/audit", tags=["audit"], responses=problems(s401=NOT_SIGNED_IN))


@router.get(
    "",
    operation_id="list_audit_entries",
    summary="What staff, admins and machines did, the newest first",
    responses=problems(s403="Only admins see the audit log."),
)
async def list_audit_entries(
    auditor: AuditorDep,
    resources: ResourcesDep,
    page: PageDep,
    actor_id: Annotated[UUID | None, Query(description="Who acted.")] = None,
    action: Annotated[str | None, Query(max_length=64, description="Such as `customer.deactivate`.")] = None,
    subject: Annotated[str | None, Query(max_length=32, description="Such as `customer`, `order`, `product`.")] = None,
    subject_id: Annotated[str | None, Query(max_length=64, description="Of what was acted on.")] = None,
) -> AuditPage:
    wanted = AuditFilter(actor_id, action, subject, subject_id)
    async with resources.database.reading() as session:
        rows = await audit.page(session, wanted, page.limit + 1, page.after)
    shown, following = cut(rows, page, lambda row: (row.at, row.id))
    return AuditPage(items=[AuditView.of(entry) for entry in shown], next_cursor=following)
