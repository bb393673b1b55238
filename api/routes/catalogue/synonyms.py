"""What staff decide about search: synonyms, and building the index anew."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from temporalio.common import WorkflowIDConflictPolicy

from api.dependencies import ActorDep, ResourcesDep, SessionDep
from api.idempotency import KeyedDep, mark_replayed
from api.pagination import PageDep, cut
from api.policies import CatalogueEditorDep
from api.rendering import json_response
from api.schemas.common import NOT_SIGNED_IN, problems
from api.schemas.search import RebuildStarted, SynonymsBody, SynonymsPage, SynonymsView
from domain.messages.search import REBUILD_ID, SearchRebuild
from services import audit
from services.idempotency import once
from services.search import synonyms
from workflows.search import SearchRebuildWorkflow

router = APIRouter(prefix="/search", responses=problems(s401=NOT_SIGNED_IN, s403="Only staff change the catalogue."))

_NOT_FOUND = problems(s404="There is no such group of synonyms.")


@router.get("/synonyms", operation_id="list_synonyms", summary="Groups of synonyms, the newest first")
async def list_synonyms(editor: CatalogueEditorDep, resources: ResourcesDep, page: PageDep) -> SynonymsPage:
    async with resources.database.reading() as session:
        groups = await synonyms.page(session, page.limit + 1, page.after)
    shown, following = cut(groups, page, lambda row: (row.created_at, row.id))
    return SynonymsPage(items=[SynonymsView.of(group) for group in shown], next_cursor=following)


@router.get(
    "/synonyms/{group_id}",
    operation_id="get_synonyms",
    summary="One group of synonyms",
    response_model=SynonymsView,
    responses=_NOT_FOUND,
)
async def get_synonyms(group_id: UUID, editor: CatalogueEditorDep, resources: ResourcesDep) -> Response:
    async with resources.database.reading() as session:
        group = await synonyms.one(session, group_id)
    return json_response(SynonymsView.of(group), is_tagged=True)


@router.post(
    "/synonyms",
    operation_id="create_synonyms",
    summary="Words that mean the same to search",
    response_model=SynonymsView,
    status_code=201,
)
async def create_synonyms(
    body: SynonymsBody,
    editor: CatalogueEditorDep,
    actor: ActorDep,
    session: SessionDep,
    keyed: KeyedDep,
    request: Request,
) -> Response:
    """A search for one of them finds the others too, within a second."""

    async def make() -> UUID:
        group_id = await synonyms.create(session, body.words)
        await audit.record(session, actor, "synonyms.create", "synonyms", group_id, words=body.words)
        return group_id

    made = await once(session, keyed, make)
    if made.was_replayed:
        mark_replayed(request)
    group = await synonyms.one(session, UUID(made.resource))
    headers = {"Location": f"{request.url.path.rstrip('/')}/{group.id}"}
    return json_response(SynonymsView.of(group), 201, headers=headers, is_tagged=True)


@router.put(
    "/synonyms/{group_id}",
    operation_id="change_synonyms",
    summary="Replace the words of a group",
    response_model=SynonymsView,
    responses=_NOT_FOUND,
)
async def change_synonyms(
    group_id: UUID, body: SynonymsBody, editor: CatalogueEditorDep, actor: ActorDep, session: SessionDep
) -> Response:
    await synonyms.change(session, group_id, body.words)
    await audit.record(session, actor, "synonyms.change", "synonyms", group_id, words=body.words)
    return json_response(SynonymsView.of(await synonyms.one(session, group_id)), is_tagged=True)


@router.delete(
    "/synonyms/{group_id}",
    operation_id="delete_synonyms",
    summary="Delete a group of synonyms",
    status_code=204,
    responses=_NOT_FOUND,
)
async def delete_synonyms(group_id: UUID, editor: CatalogueEditorDep, actor: ActorDep, session: SessionDep) -> None:
    await synonyms.remove(session, group_id)
    await audit.record(session, actor, "synonyms.delete", "synonyms", group_id)


@router.post(
    "/rebuild",
    operation_id="rebuild_search",
    summary="Build the search index anew",
    response_model=RebuildStarted,
    status_code=202,
)
async def rebuild_search(
    editor: CatalogueEditorDep, actor: ActorDep, resources: ResourcesDep, keyed: KeyedDep, request: Request
) -> Response:
    """Hardly ever needed: the index keeps in step, and one that was lost is built by itself. One at a time."""

    async def make() -> str:
        await audit.record(session, actor, "search.rebuild", "search", REBUILD_ID)
        return REBUILD_ID

    async with resources.database.transaction() as session:
        made = await once(session, keyed, make)
    if made.was_replayed:
        mark_replayed(request)
    # A replay asks again: the first may have ended between the commit and this.
    await resources.temporal.start_workflow(
        SearchRebuildWorkflow.run,
        SearchRebuild(),
        id=REBUILD_ID,
        task_queue=resources.settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="Build the search index anew",
    )
    return json_response(RebuildStarted(workflow_id=made.resource), 202)
