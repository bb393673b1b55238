"""One call of Stripe's API from its arrival to its answer: signed in, read, carried out at most once, answered."""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Depends, Request, Response

from devstack.sandbox import errors
from devstack.sandbox.connections import NoReply
from devstack.sandbox.errors import Refusal
from devstack.sandbox.faults import Fault, Kind, Operation
from devstack.sandbox.forms import Form
from devstack.sandbox.idempotency import KeptAnswer, KeyedRequest
from devstack.sandbox.objects import Doc, new_id
from devstack.sandbox.resources import Sandbox
from devstack.sandbox.showing import expanded
from devstack.sandbox.tokens import TOKENS, Token

Work = Callable[[], Doc]


@dataclass(frozen=True)
class Call:
    sandbox: Sandbox
    form: Form
    keyed: KeyedRequest | None
    request_id: str

    async def answer(
        self, operation: Operation, work: Work, *, token: str | None = None, subject: str = ""
    ) -> Response:
        """`work` runs inside one journal transaction and gives the object to show.

        `token` is the one that the work will use, and `subject` the intent that its outages are counted for.
        Raises Refusal for what is refused before the work begins.
        """
        expand = self.form.listing("expand")
        self.form.require_no_more()
        fault = self.sandbox.faults.take(operation)
        if fault and fault.kind is Kind.OUTAGE:
            raise errors.outage()
        reply = await self._reply_once(work, expand, fault, token, subject)
        if fault and fault.kind is Kind.SLOW_REPLY:
            await asyncio.sleep(fault.delay_seconds)
        return reply

    async def _reply_once(
        self, work: Work, expand: list[str], fault: Fault | None, token: str | None, subject: str
    ) -> Response:
        if self.keyed is None:
            return await self._carry_out(work, expand, fault, token, subject)
        if kept := self.sandbox.keys.kept(self.keyed):
            return self._replay(kept, fault)
        with self.sandbox.keys.working(self.keyed):
            return await self._carry_out(work, expand, fault, token, subject or self.keyed.key)

    async def _carry_out(
        self, work: Work, expand: list[str], fault: Fault | None, token: str | None, subject: str
    ) -> Response:
        behaviour = TOKENS.get(token or "", Token("is unknown"))
        if behaviour.outages and self._counts_outage(subject) <= behaviour.outages:
            raise errors.outage()
        delay = behaviour.delay + (fault.delay_seconds if fault and fault.kind is Kind.SLOW else 0)
        if delay:
            await asyncio.sleep(delay)
        with self.sandbox.journal.transaction():
            answer = self._outcome(work, expand)
            if fault and fault.kind is Kind.ERROR_AFTER:
                answer = self._refused(errors.broken())
            if self.keyed:
                self.sandbox.keys.keep(self.keyed, answer)
        is_dropped = answer.status == 200 and behaviour.drops_reply
        return self._reply(answer, fault, is_dropped=is_dropped)

    def _outcome(self, work: Work, expand: list[str]) -> KeptAnswer:
        """A refusal that is not to be kept is raised, which undoes whatever the work had begun."""
        try:
            doc = expanded(self.sandbox.journal, work(), expand)
        except Refusal as refusal:
            if not refusal.is_kept:
                raise
            return self._refused(refusal)
        return KeptAnswer(200, orjson.dumps(doc), self.request_id)

    def _refused(self, refusal: Refusal) -> KeptAnswer:
        return KeptAnswer(refusal.status, orjson.dumps(refusal.body), self.request_id)

    def _counts_outage(self, subject: str) -> int:
        with self.sandbox.journal.transaction():
            return self.sandbox.journal.count_outage(subject)

    def _replay(self, kept: KeptAnswer, fault: Fault | None) -> Response:
        headers = {"Idempotent-Replayed": "true", "Original-Request": kept.request}
        return self._reply(kept, fault, headers)

    def _reply(
        self, answer: KeptAnswer, fault: Fault | None, headers: dict[str, str] | None = None, is_dropped: bool = False
    ) -> Response:
        if is_dropped or (fault and fault.kind is Kind.DROP_REPLY):
            return NoReply()
        keyed = {"Idempotency-Key": self.keyed.key} if self.keyed else {}
        headers = {"Request-Id": self.request_id, **keyed, **(headers or {})}
        return Response(answer.body, answer.status, headers, "application/json")


async def signed_in_call(request: Request) -> Call:
    """Raises Refusal for a wrong API key, and for what is not a form."""
    sandbox: Sandbox = request.app.state.sandbox
    expected = f"Bearer {sandbox.api_key}".encode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
        raise Refusal(401, errors.INVALID, "The Authorization header holds no API key of this sandbox.")
    is_get = request.method == "GET"
    encoded = request.url.query.encode() if is_get else await request.body()
    key = None if is_get else request.headers.get("Idempotency-Key")
    keyed = KeyedRequest.of(key, request.url.path, encoded) if key else None
    return Call(sandbox, Form(encoded), keyed, new_id("req"))


CallDep = Annotated[Call, Depends(signed_in_call)]
