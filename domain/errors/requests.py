"""Facts about any request: who sends it, its key, its version, its cursor, how often."""

from domain.errors.facts import Fact


class NotSignedIn(Fact):
    code = "not-signed-in"
    title = "A valid access token is needed"


class Forbidden(Fact):
    code = "forbidden"
    title = "This needs another role"


class NotFound(Fact):
    code = "not-found"
    title = "There is no such resource"


class Stale(Fact):
    code = "stale"
    title = "The resource has changed since it was read"


class InvalidCursor(Fact):
    code = "invalid-cursor"
    title = "The cursor is not one that this list gave out"


class KeyReused(Fact):
    code = "idempotency-key-reused"
    title = "This Idempotency-Key was used with another body"


class KeyInUse(Fact):
    code = "idempotency-key-in-use"
    title = "A request with this Idempotency-Key is still running"


class KeyMissing(Fact):
    code = "idempotency-key-missing"
    title = "An Idempotency-Key of 16 to 255 printable characters is needed"


class RateLimited(Fact):
    """`retry_after`: in how many seconds there is something again."""

    code = "rate-limited"
    title = "Too many requests"


class InUse(Fact):
    """`by`: what refers to it."""

    code = "in-use"
    title = "Something refers to this"


class WebhookRefused(Fact):
    code = "webhook-refused"
    title = "The webhook's signature does not hold"
