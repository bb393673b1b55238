"""Carts, of people who are signed in unless it says otherwise."""

from tests.api.conftest import Caller
from tests.api.performance.scene import Ask, Scene, ask, case
from tests.api.shopping import add


async def shopper(scene: Scene) -> tuple[Caller, str]:
    """Somebody with two lines in the cart; the SKU of one of them."""
    caller = await scene.sign_in()
    for sku in scene.skus[:2]:
        await add(caller, sku)
    return caller, scene.skus[0]


async def guest(scene: Scene) -> str:
    """The token of a cart with a line in it."""
    opened = await scene.anonymous.post("/carts")
    token: str = opened.json()["cart_token"]
    item = {"sku": scene.skus[0], "quantity": 1}
    await scene.anonymous.post("/carts/items", json=item, headers={"X-Cart-Token": token})
    return token


@case("POST /carts")
async def a_cart(scene: Scene) -> Ask:
    return ask(await scene.sign_in())


@case("GET /carts/current")
async def the_cart(scene: Scene) -> Ask:
    return ask((await shopper(scene))[0])


@case("DELETE /carts/current")
async def no_cart(scene: Scene) -> Ask:
    return ask((await shopper(scene))[0])


@case("POST /carts/items")
async def an_item(scene: Scene) -> Ask:
    caller, _ = await shopper(scene)
    return ask(caller, json={"sku": scene.skus[2], "quantity": 1})


@case("POST /carts/items with an Idempotency-Key")
async def an_item_once(scene: Scene) -> Ask:
    caller, _ = await shopper(scene)
    return ask(caller, json={"sku": scene.skus[2], "quantity": 1}, is_keyed=True)


@case("POST /carts/items of a guest")
async def an_item_of_a_guest(scene: Scene) -> Ask:
    token = await guest(scene)
    return ask(scene.anonymous, json={"sku": scene.skus[2], "quantity": 1}, headers={"X-Cart-Token": token})


@case("PATCH /carts/items/{sku}")
async def more_units(scene: Scene) -> Ask:
    caller, sku = await shopper(scene)
    return ask(caller, {"sku": sku}, json={"quantity": 5})


@case("DELETE /carts/items/{sku}")
async def no_item(scene: Scene) -> Ask:
    caller, sku = await shopper(scene)
    return ask(caller, {"sku": sku})


@case("POST /carts/merge")
async def a_merge(scene: Scene) -> Ask:
    caller, _ = await shopper(scene)
    return ask(caller, json={"cart_token": await guest(scene)})
