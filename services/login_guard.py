"""Who may try another password: guessing is slowed down, and the owner is never locked out by somebody else's guesses.

All who come from addresses that an account does not know share one allowance of it. An address that it knows, as its
owner signed in from there or answered a mail of ours, has one of its own. The owner on a strange network, while
somebody guesses, has a way in: a new password by mail, which makes that network a known one.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import structlog

from core.redis import REDIS_AWAY
from services.limits import Allowance, Limit, Limiter, LocalLimiter

log = structlog.get_logger()

PERIOD = timedelta(minutes=1)
PATIENCE = 0.5
"""Seconds that a Redis which does not answer is waited for."""


@dataclass(frozen=True)
class Try:
    """`account` is the e-mail address that was entered, whether there is such an account or not."""

    account: str
    address: str
    is_known: bool

    @property
    def key(self) -> str:
        """Holds no person: Redis keys are shown and logged."""
        name = sha256(self.account.lower().encode()).hexdigest()[:32]
        return f"{name}:{self.address}" if self.is_known else name


class LoginGuard:
    """`per_minute` tries for each allowance; this process counts for itself while Redis is away."""

    def __init__(self, limiter: Limiter, local: LocalLimiter, per_minute: int) -> None:
        self._limiter = limiter
        self._local = local
        self._per_minute = per_minute

    async def take(self, entered: Try) -> Allowance:
        """Before the password is looked at."""
        limits = [Limit("logins", entered.key, self._per_minute, PERIOD)]
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._limiter.take(limits)
        except REDIS_AWAY as error:
            log.warning("login.counted_here", error=type(error).__name__)
            return await self._local.take(limits)
