"""Opening an account, signing in, and who one is."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from core.database import Database
from models.accounts import User
from tests.api.conftest import Caller
from tests.api.shopping import fields_of, refused

ADA = {"email": "Ada@Example.com", "password": "analytical engine", "full_name": "Ada Shopper", "phone": "+14155552671"}


async def accounts(database: Database) -> int:
    async with database.transaction() as session:
        return (await session.execute(select(func.count()).select_from(User))).scalar_one()


async def sign_in(caller: Caller, email: str = ADA["email"], password: str = ADA["password"]) -> str:
    response = await caller.post("/auth/login", json={"email": email, "password": password})
    assert response.status_code == 200, response.text
    token: str = response.json()["access_token"]
    return token


async def test_an_account_is_opened_signed_into_and_known_by_its_token(anonymous: Caller) -> None:
    opened = await anonymous.post("/auth/register", json=ADA)
    assert opened.status_code == 201
    assert opened.json() == {"email": "ada@example.com", "full_name": "Ada Shopper"}
    response = await anonymous.post("/auth/login", json={"email": "ADA@example.com", "password": ADA["password"]})
    session = response.json()
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 900)
    me = await anonymous.get("/auth/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert me.json() | {"id": ""} == {
        "id": "", "email": "ada@example.com", "full_name": "Ada Shopper", "phone": "+14155552671", "role": "customer",
        "email_verified": False,
    }  # fmt: skip


async def test_a_known_address_gets_the_same_answer_and_keeps_its_one_account(
    anonymous: Caller, database: Database
) -> None:
    first = await anonymous.post("/auth/register", json=ADA)
    again = await anonymous.post("/auth/register", json=ADA | {"email": "ada@EXAMPLE.com", "password": "of a thief's"})
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert await accounts(database) == 1
    await sign_in(anonymous)
    refused(
        await anonymous.post("/auth/login", json={"email": ADA["email"], "password": "of a thief's"}),
        401,
        "wrong-credentials",
    )


async def test_one_address_registered_many_times_at_once_makes_one_account(
    anonymous: Caller, database: Database
) -> None:
    answers = await asyncio.gather(*(anonymous.post("/auth/register", json=ADA) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert await accounts(database) == 1


async def test_a_wrong_password_and_an_unknown_address_are_told_the_same(anonymous: Caller) -> None:
    await anonymous.post("/auth/register", json=ADA)
    wrong = await anonymous.post("/auth/login", json={"email": ADA["email"], "password": "difference engine"})
    unknown = await anonymous.post("/auth/login", json={"email": "bob@example.com", "password": ADA["password"]})
    told = [refused(answer, 401, "wrong-credentials") | {"request_id": ""} for answer in (wrong, unknown)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "written",
    [
        "ada@xn--bcher-kva.example.com",
        "ada@BÜCHER.example.com",
        "ada@bu\u0308cher.example.com",
        " ada@bücher.example.com ",
    ],
)
async def test_an_address_signs_in_however_it_is_written(anonymous: Caller, written: str) -> None:
    assert (await anonymous.post("/auth/register", json=ADA | {"email": "ada@bücher.example.com"})).status_code == 201
    assert await sign_in(anonymous, written)


async def test_a_deactivated_account_neither_signs_in_nor_is_anybody(anonymous: Caller, database: Database) -> None:
    await anonymous.post("/auth/register", json=ADA)
    token = await sign_in(anonymous)
    async with database.transaction() as session:
        await session.execute(update(User).where(col(User.email) == "ada@example.com").values(is_active=False))
    answer = await anonymous.post("/auth/login", json={"email": ADA["email"], "password": ADA["password"]})
    refused(answer, 401, "wrong-credentials")
    refused(await anonymous.get("/auth/me", headers={"Authorization": f"Bearer {token}"}), 401, "not-signed-in")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": "admin"}, "body.role"),
        ({"is_active": True}, "body.is_active"),
        ({"id": "00000000-0000-0000-0000-000000000001"}, "body.id"),
        ({"password": "too short"}, "body.password"),
        ({"password": "x" * 257}, "body.password"),
        ({"password": None}, "body.password"),
        ({"email": "ada"}, "body.email"),
        ({"email": "ada@"}, "body.email"),
        ({"email": "ada@example.com, eve@example.com"}, "body.email"),
        ({"full_name": "   "}, "body.full_name"),
        ({"full_name": "x" * 201}, "body.full_name"),
        ({"phone": "555 0100"}, "body.phone"),
        ({"phone": "+1"}, "body.phone"),
    ],
    ids=lambda value: str(value)[:32],
)
async def test_a_registration_that_is_not_one_is_refused_by_its_field_and_opens_nothing(
    anonymous: Caller, database: Database, change: dict[str, Any], field: str
) -> None:
    problem = refused(await anonymous.post("/auth/register", json=ADA | change), 422, "validation-failed")
    assert fields_of(problem) == {field}
    assert await accounts(database) == 0


async def test_a_refused_registration_does_not_repeat_the_password(anonymous: Caller) -> None:
    answer = await anonymous.post("/auth/register", json=ADA | {"password": "hush-hush"})
    refused(answer, 422, "validation-failed")
    assert "hush-hush" not in answer.text


async def test_staff_say_that_they_are_staff(staff: Caller) -> None:
    me = await staff.get("/auth/me")
    assert (me.json()["role"], me.json()["id"]) == ("staff", str(staff.user_id))
