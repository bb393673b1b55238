"""Signing in and out, passwords, keys of machines."""

from typing import Any
from uuid import UUID, uuid4

from models.accounts import MailPurpose
from services.passwords import hash_password
from services.sessions import hash_of
from tests.api.performance.scene import Ask, Scene, ask, case

PASSWORD = "a-long-enough-password-1"


async def account(scene: Scene) -> tuple[UUID, dict[str, str]]:
    """Somebody with a password; the credentials."""
    email = f"{uuid4().hex}@example.com"
    user_id = await scene.shop.user(email=email, password_hash=await hash_password(PASSWORD))
    return user_id, {"email": email, "password": PASSWORD}


async def signed_in(scene: Scene) -> dict[str, Any]:
    """The headers and the refresh token of a session."""
    _, credentials = await account(scene)
    session = (await scene.anonymous.post("/auth/login", json=credentials)).json()
    return {"headers": {"Authorization": f"Bearer {session['access_token']}"}, "refresh": session["refresh_token"]}


async def mailed(scene: Scene, purpose: MailPurpose) -> str:
    """The token of a mail that went out."""
    token, (user_id, credentials) = uuid4().hex, await account(scene)
    await scene.shop.rows(
        "INSERT INTO mails (user_id, purpose, recipient, token_hash, expires_at, sent_at)"
        " VALUES (:user_id, :purpose, :email, :hash, now() + interval '1 hour', now()) RETURNING id",
        user_id=user_id, purpose=purpose.value, email=credentials["email"], hash=hash_of(token),
    )  # fmt: skip
    return token


async def api_key(scene: Scene) -> str:
    made = await scene.admin.post("/api-keys", json={"name": "erp", "permissions": ["inventory:read"]})
    return str(made.json()["id"])


@case("POST /auth/register")
async def register(scene: Scene) -> Ask:
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, "full_name": "Ada Shopper"}
    return ask(scene.anonymous, json=body)


@case("POST /auth/verify-email")
async def verify(scene: Scene) -> Ask:
    return ask(scene.anonymous, json={"token": await mailed(scene, MailPurpose.VERIFY_EMAIL)})


@case("POST /auth/login")
async def login(scene: Scene) -> Ask:
    return ask(scene.anonymous, json=(await account(scene))[1])


@case("POST /auth/refresh")
async def refresh(scene: Scene) -> Ask:
    return ask(scene.anonymous, json={"refresh_token": (await signed_in(scene))["refresh"]})


@case("GET /auth/me")
async def me(scene: Scene) -> Ask:
    return ask(scene.customer)


@case("POST /auth/logout")
async def logout(scene: Scene) -> Ask:
    return ask(scene.anonymous, headers=(await signed_in(scene))["headers"])


@case("POST /auth/logout-all")
async def logout_all(scene: Scene) -> Ask:
    return ask(scene.anonymous, headers=(await signed_in(scene))["headers"])


@case("POST /auth/password")
async def password(scene: Scene) -> Ask:
    body = {"current_password": PASSWORD, "new_password": "another-long-password-2"}
    return ask(scene.anonymous, json=body, headers=(await signed_in(scene))["headers"])


@case("POST /auth/password-reset")
async def forgotten(scene: Scene) -> Ask:
    return ask(scene.anonymous, json={"email": (await account(scene))[1]["email"]})


@case("POST /auth/password-reset/confirm")
async def reset(scene: Scene) -> Ask:
    token = await mailed(scene, MailPurpose.PASSWORD_RESET)
    return ask(scene.anonymous, json={"token": token, "new_password": "another-long-password-2"})


@case("GET /api-keys")
async def the_keys(scene: Scene) -> Ask:
    return ask(scene.admin)


@case("POST /api-keys")
async def a_new_key(scene: Scene) -> Ask:
    return ask(scene.admin, json={"name": "erp", "permissions": ["inventory:read"]})


@case("DELETE /api-keys/{key_id}")
async def a_revoked_key(scene: Scene) -> Ask:
    return ask(scene.admin, {"key_id": await api_key(scene)})
