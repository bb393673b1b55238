"""The inbox. That something is told costs its transaction one statement, and a mail none of the request's."""

from uuid import uuid4

from domain.notifications import NoticeKind
from services import notices
from tests.api.performance.scene import Ask, Scene, ask, case


async def told(scene: Scene) -> Ask:
    """Somebody with a notification; its id is the value of the path."""
    caller = await scene.sign_in()
    order_id = await scene.shop.held({await scene.sku(): 1}, user_id=caller.user_id)
    async with scene.shop.database.transaction() as session:
        await notices.tell(session, order_id, uuid4(), NoticeKind.ORDER_CONFIRMED)
    ((id_,),) = await scene.shop.rows("SELECT id FROM notifications WHERE user_id = :id", id=caller.user_id)
    return ask(caller, {"notification_id": id_})


@case("GET /notifications")
async def the_inbox(scene: Scene) -> Ask:
    return await told(scene)


@case("PATCH /notifications/{notification_id}/read")
async def read(scene: Scene) -> Ask:
    return await told(scene)


@case("POST /notifications/read-all")
async def all_read(scene: Scene) -> Ask:
    return await told(scene)
