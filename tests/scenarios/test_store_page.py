"""docs/store.md, typed as it stands there."""

import json
from typing import Any

from devstack.demo.actors import eventually
from tests.scenarios.reading import Reader
from tests.test_docs import STORE, commands


async def said(reader: Reader, *names: str) -> list[Any]:
    """What the last of these blocks printed, a JSON document a line."""
    before = [commands(STORE, name) for name in ("address", *names[:-1])]
    silent = [f"{{\n{block}}} > /dev/null" for block in before]
    return [json.loads(line) for line in (await reader.types(*silent, commands(STORE, names[-1]))).splitlines()]


async def test_search_finds_what_the_page_looks_for(reader: Reader) -> None:

    async def is_indexed() -> bool:
        """Until the index of a new stack is filled, Postgres answers, which wants the exact spelling."""
        return "basic-tee" in [item["slug"] for item in (await said(reader, "search"))[0]["items"]]

    await eventually(is_indexed, "the typing error is forgiven")
    typing_error, mugs, suggested = await said(reader, "search")
    assert typing_error["items"][0]["name"] == "Basic Tee"
    assert mugs["total"] > 0
    assert {"category", "brand", "price", "in_stock"} <= mugs["facets"].keys()
    assert suggested["items"]


async def test_a_guest_signs_in_and_finds_the_cart_and_a_mail(reader: Reader) -> None:
    registered, cart, _ = await said(reader, "guest")
    assert registered["full_name"] == "Grace Shopper"
    assert [(item["sku"], item["quantity"]) for item in cart["items"]] == [("TEE-BASIC-BLACK-M", 2)]

    async def has_come() -> bool:
        mails = (await said(reader, "guest"))[2]["items"]
        return bool(mails) and all(registered["email"] in str(mail) for mail in mails)

    await eventually(has_come, "the mail is in the mailbox")


async def test_staff_make_a_product_that_is_found(reader: Reader) -> None:
    made, changed, _ = await said(reader, "catalogue")
    assert (made.get("version"), changed.get("version")) == (1, 2), made
    assert changed["description"] == "Turned by hand."

    async def is_found() -> bool:
        return made["id"] in [item["id"] for item in (await said(reader, "catalogue"))[2]["items"]]

    await eventually(is_found, "the product is in the search")


async def test_staff_see_and_adjust_stock(reader: Reader) -> None:
    before, adjusted, movements, low = await said(reader, "catalogue", "stock")
    assert adjusted["on_hand"] == before["on_hand"] + 5
    assert movements["items"][0]["reason"] == "found in the back room"
    assert all(item["available"] <= item["low_stock_threshold"] for item in low["items"])


async def test_a_machine_reads_stock_with_its_key(reader: Reader) -> None:
    stock, audit = await said(reader, "machine")
    assert stock["sku"] == "TEE-BASIC-BLACK-M"
    assert audit["items"][0]["action"].startswith("api-key")
