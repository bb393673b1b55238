"""Money to give back: claimed under the payment's lock before anybody is asked for it, and booked when it is gone.

What is pending or succeeded never exceeds what was captured, so that of two refunds at once one is refused.
"""

from services.refunds.claiming import Claim, claim, claim_rest, left, request
from services.refunds.reading import get, page, unsent, visible
from services.refunds.recording import record_failure, record_success, use_next_key

__all__ = [
    "Claim",
    "claim",
    "claim_rest",
    "get",
    "left",
    "page",
    "record_failure",
    "record_success",
    "request",
    "unsent",
    "use_next_key",
    "visible",
]
