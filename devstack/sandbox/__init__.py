"""The sandbox payment provider: the one stand-in for the outside world, in a process with a journal of its own.

It speaks Stripe's wire format, so that the official SDK works against it unchanged. From top to bottom: `routes_*`
take a request, `calls` carries it out once (key, fault, one transaction), `intents` and `refunds` are the rules,
`journal` is the disk, `outbox` and `courier` deliver the webhooks. `tokens` and `faults` say how it can misbehave.
No card number ever gets here: a payment method is one of the tokens, anything else is refused unread.
"""
