"""What the Web UI tells of a workflow under way, in its markdown: what it does or waits for, and what staff may do."""

WHAT_TO_DO = {
    "staff": "Call the customer, then signal `confirm_cod` or `reject_cod`. Without a decision the hold ends it.",
    "shopper": "The bank wants the shopper (3-D Secure). It ends with the hold, or by `cancel_order`.",
    "another card": "The bank said no. It ends with the hold, or by `cancel_order`.",
    "shipping": "Tell it by `POST /orders/{id}/ship` what the courier took.",
    "delivery": "Tell it by `POST /orders/{id}/deliver` that the order was handed over.",
    "return decision": "Signal `approve` or `reject`. Without a decision it expires.",
    "returned goods": "Signal `receive` when they are back. Without them it expires.",
    "retry_stuck": "Mend what the error names, then signal `retry_stuck`.",
}


def tell(doing: str, waiting_for: str | None, stuck_step: str | None, last_error: str | None) -> str:
    lines = []
    if stuck_step:
        lines.append(f"**Stuck in `{stuck_step}`**: {last_error}")
        if not waiting_for:
            lines.append("It goes on by itself once that is mended. Signal `retry_stuck` to have it try at once.")
    if waiting_for:
        lines.append(f"**Waits for {waiting_for}.** {WHAT_TO_DO.get(waiting_for, '')}".rstrip())
    else:
        lines.append(f"**At work:** {doing}")
    return "\n\n".join(lines)
