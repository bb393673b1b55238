"""Steering many orders at once, as after an outage: found, written down, sent side by side, and answered one by one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.messaging import update_id_of
from api.steering import finding, sending
from api.steering.finding import Run, Wanted
from api.steering.sending import ALLOWED_IN, Act, Action
from core.database import Database
from domain.errors import Fact, NotAllowedInState, NotFound, Unavailable
from services import steering
from services.audit import Actor
from services.idempotency import KeyedRequest
from services.orders import reading
from services.orders.reading import Standing

MOST_ORDERS = 1000
AT_ONCE = 20
SENDING = timedelta(seconds=25)
"""After this no more is sent: where Temporal or the workers are away, the rest would only wait for them too."""


@dataclass(frozen=True)
class Result:
    """`outcome`: sent, not-allowed, or away where it did not get there and may be sent again. `code` says why."""

    order_id: UUID
    outcome: str
    code: str | None = None


@dataclass
class Target:
    """An order, as it stands where it is placed, and what is under way for it."""

    order_id: UUID
    standing: Standing | None = None
    runs: list[Run] = field(default_factory=list)

    @property
    def stuck(self) -> list[str]:
        return [run.workflow_id for run in self.runs if run.stuck_step]


class Many:
    def __init__(self, database: Database, temporal: Client, task_queue: str) -> None:
        self._database = database
        self._temporal = temporal
        self._task_queue = task_queue

    async def act(
        self, act: Act, wanted: list[UUID] | Wanted, keyed: KeyedRequest | None, actor: Actor
    ) -> tuple[dict[str, Any], bool]:
        """The answer, and whether it is the one that this very request had before.

        Raises KeyReused, KeyInUse, Unavailable.
        """
        if keyed is not None:
            async with self._database.transaction() as session:
                known = await steering.begin(session, keyed)
            if known is not None:
                return known, True
        async with self._freeing(keyed):
            return await self._act(act, wanted, keyed, actor), False

    @asynccontextmanager
    async def _freeing(self, keyed: KeyedRequest | None) -> AsyncIterator[None]:
        """What breaks off leaves the key unused: to send it again does no harm."""
        try:
            yield
        except Exception:
            if keyed is not None:
                async with self._database.transaction() as session:
                    await steering.free(session, keyed)
            raise

    async def _act(
        self, act: Act, wanted: list[UUID] | Wanted, keyed: KeyedRequest | None, actor: Actor
    ) -> dict[str, Any]:
        targets, has_more = await self._targets(wanted, with_runs=act.action is Action.RETRY)
        async with self._database.transaction() as session:
            standings = await reading.standings(session, [target.order_id for target in targets])
            for target in targets:
                target.standing = standings.get(target.order_id)
            allowed = [target for target in targets if _refusal(act, target) is None]
            ids = [target.order_id for target in allowed]
            said = {"reason": act.reason} | ({"minutes": act.minutes} if act.minutes else {})
            await steering.note_each(session, actor, f"order.{act.action}", ids, **said)
        results = await self._send(act, targets, update_id_of(keyed))
        answer = {
            "matched": len(targets),
            "more": has_more,
            "sent": sum(result.outcome == "sent" for result in results),
            "results": [{**asdict(result), "order_id": str(result.order_id)} for result in results],
        }
        async with self._database.transaction() as session:
            await steering.keep(session, actor, f"orders.{act.action}", keyed, answer, **said)
        return answer

    async def _targets(self, wanted: list[UUID] | Wanted, *, with_runs: bool) -> tuple[list[Target], bool]:
        """And whether there are more than are taken at once. For ids, what is under way is looked up where needed."""
        if isinstance(wanted, Wanted):
            found = finding.matching(self._temporal, wanted)
            targets: dict[UUID, Target] = {}
        else:
            targets = {order_id: Target(order_id) for order_id in wanted}
            if not with_runs:
                return list(targets.values()), False
            found = finding.of_orders(self._temporal, list(targets))
        async for run in found:
            if run.order_id not in targets and len(targets) == MOST_ORDERS:
                return list(targets.values()), True
            targets.setdefault(run.order_id, Target(run.order_id)).runs.append(run)
        return list(targets.values()), False

    async def _send(self, act: Act, targets: list[Target], update_id: str | None) -> list[Result]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SENDING.total_seconds()
        gate = asyncio.Semaphore(AT_ONCE)

        async def send(target: Target) -> Result:
            async with gate:
                if refusal := _refusal(act, target):
                    return Result(target.order_id, "not-allowed", refusal)
                if loop.time() > deadline:
                    return Result(target.order_id, "away", Unavailable.code)
                return await self._send_one(act, target, update_id)

        return await asyncio.gather(*(send(target) for target in targets))

    async def _send_one(self, act: Act, target: Target, update_id: str | None) -> Result:
        try:
            if act.action is Action.RETRY:
                await asyncio.gather(*(sending.retry(self._temporal, workflow_id) for workflow_id in target.stuck))
            elif target.standing:
                status = target.standing.status
                await sending.send(self._temporal, self._task_queue, act, target.order_id, status, update_id)
        except Fact as fact:
            return Result(target.order_id, "not-allowed", fact.code)
        except Unavailable:
            return Result(target.order_id, "away", Unavailable.code)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return Result(target.order_id, "not-allowed", NotAllowedInState.code)
            return Result(target.order_id, "away", Unavailable.code)
        return Result(target.order_id, "sent")


def _refusal(act: Act, target: Target) -> str | None:
    """The code of what forbids it, as far as the order's row and its search attributes tell."""
    if act.action is Action.RETRY and target.stuck:  # perhaps in the very step that would place it
        return None
    if target.standing is None:
        return NotFound.code
    return None if target.standing.status in ALLOWED_IN.get(act.action, ()) else NotAllowedInState.code
