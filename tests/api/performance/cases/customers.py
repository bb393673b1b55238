"""What customers keep of themselves, and what staff do with accounts."""

from typing import Any

from tests.api.conftest import Caller
from tests.api.performance.cases.accounts import PASSWORD, account, signed_in
from tests.api.performance.scene import Ask, Scene, ask, case
from tests.api.shopping import ADDRESS

PREFERENCES = {"language": "en", "currency": "USD", "order_emails": True, "marketing_emails": False}


async def with_address(scene: Scene) -> tuple[Caller, dict[str, Any]]:
    caller = await scene.sign_in()
    made = await caller.post("/customers/me/addresses", json=ADDRESS)
    return caller, {"address_id": made.json()["id"]}


@case("GET /customers/me")
async def profile(scene: Scene) -> Ask:
    return ask(scene.customer)


@case("PATCH /customers/me")
async def a_new_name(scene: Scene) -> Ask:
    return ask(await scene.sign_in(), json={"full_name": "Ada King"})


@case("DELETE /customers/me")
async def erased(scene: Scene) -> Ask:
    return ask(scene.anonymous, headers=(await signed_in(scene))["headers"], json={"password": PASSWORD})


@case("GET /customers/me/export")
async def an_export(scene: Scene) -> Ask:
    return ask((await with_address(scene))[0])


@case("GET /customers/me/preferences")
async def preferences(scene: Scene) -> Ask:
    return ask(scene.customer)


@case("PUT /customers/me/preferences")
async def other_preferences(scene: Scene) -> Ask:
    return ask(await scene.sign_in(), json=PREFERENCES)


@case("GET /customers/me/addresses")
async def the_addresses(scene: Scene) -> Ask:
    return ask((await with_address(scene))[0])


@case("POST /customers/me/addresses")
async def a_new_address(scene: Scene) -> Ask:
    return ask(await scene.sign_in(), json=ADDRESS)


@case("GET /customers/me/addresses/{address_id}")
async def an_address(scene: Scene) -> Ask:
    return ask(*await with_address(scene))


@case("PUT /customers/me/addresses/{address_id}")
async def another_address(scene: Scene) -> Ask:
    return ask(*await with_address(scene), json=ADDRESS | {"line1": "2 Analytical Way"})


@case("PATCH /customers/me/addresses/{address_id}")
async def a_changed_address(scene: Scene) -> Ask:
    return ask(*await with_address(scene), json={"line1": "2 Analytical Way"})


@case("DELETE /customers/me/addresses/{address_id}")
async def no_address(scene: Scene) -> Ask:
    return ask(*await with_address(scene))


@case("GET /customers")
async def the_customers(scene: Scene) -> Ask:
    return ask(scene.staff)


@case("GET /customers/{user_id}")
async def a_customer(scene: Scene) -> Ask:
    return ask(scene.staff, {"user_id": scene.customer.user_id})


@case("POST /customers/{user_id}/deactivate")
async def deactivated(scene: Scene) -> Ask:
    return ask(scene.staff, {"user_id": (await account(scene))[0]})


@case("POST /customers/{user_id}/activate")
async def activated(scene: Scene) -> Ask:
    user_id, _ = await account(scene)
    await scene.staff.post(f"/customers/{user_id}/deactivate")
    return ask(scene.staff, {"user_id": user_id})


@case("GET /staff")
async def the_staff(scene: Scene) -> Ask:
    return ask(scene.admin)


@case("POST /staff/{user_id}/role")
async def promoted(scene: Scene) -> Ask:
    return ask(scene.admin, {"user_id": (await account(scene))[0]}, json={"role": "staff"})
