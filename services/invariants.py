"""The invariants that the database alone can answer for. Each is one query over `rows(offender, bad)`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SHOWN_OFFENDERS = 20


@dataclass(frozen=True)
class Finding:
    """`offenders` are ids, at most SHOWN_OFFENDERS of them."""

    name: str
    meaning: str
    checked: int
    violations: int
    offenders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Invariant:
    """`rows` selects (offender text, bad boolean)."""

    name: str
    meaning: str
    rows: str


LIVE = "('confirmed', 'processing', 'shipped', 'delivered')"

STOCK = (
    Invariant(
        "S1",
        "on_hand = Σ stock ledger",
        """SELECT coalesce(s.sku, m.sku) AS offender, coalesce(s.on_hand, 0) <> coalesce(m.total, 0) AS bad
        FROM stock s FULL JOIN
            (SELECT sku, location_id, sum(delta) AS total FROM stock_movements GROUP BY sku, location_id) m
            USING (sku, location_id)""",
    ),
    Invariant(
        "S2",
        "reserved = Σ held reservations",
        """SELECT coalesce(s.sku, r.sku) AS offender, coalesce(s.reserved, 0) <> coalesce(r.total, 0) AS bad
        FROM stock s FULL JOIN
            (SELECT sku, location_id, sum(quantity) AS total FROM reservations WHERE status = 'held'
             GROUP BY sku, location_id) r USING (sku, location_id)""",
    ),
    Invariant(
        "S3",
        "0 ≤ reserved ≤ on_hand",
        "SELECT sku AS offender, NOT (0 <= reserved AND reserved <= on_hand) AS bad FROM stock",
    ),
    Invariant(
        "S4",
        "ledger sales = committed reservations; what came back = the lines of returns that were restocked (at rest)",
        """SELECT coalesce(order_id::text, sku) AS offender,
               coalesce(r.quantity, 0) <> coalesce(m.sold, 0) AS bad
        FROM (SELECT order_id, sku, location_id, quantity FROM reservations WHERE status = 'committed') r
        FULL JOIN (SELECT order_id, sku, location_id, -sum(delta) AS sold FROM stock_movements
                   WHERE kind IN ('sale', 'sale_undone') GROUP BY 1, 2, 3 HAVING sum(delta) <> 0) m
            USING (order_id, sku, location_id)
        UNION ALL
        SELECT return_id::text, coalesce(l.units, 0) <> coalesce(m.units, 0)
        FROM (SELECT return_id, sku, quantity AS units FROM return_lines l
              JOIN returns r ON r.id = l.return_id WHERE r.restock) l
        FULL JOIN (SELECT return_id, sku, sum(delta) AS units FROM stock_movements
                   WHERE kind = 'return' GROUP BY 1, 2) m USING (return_id, sku)""",
    ),
    Invariant(
        "S5",
        "order state and reservation state agree; of a cancelled order that stays sold which was shipped, and all of "
        "one that is shipped has left (at rest)",
        f"""SELECT o.id::text AS offender,
               CASE WHEN o.status IN {LIVE} OR o.status = 'refunded' THEN o.reservation_status <> 'committed'
                    WHEN o.status = 'cancelled' AND o.reservation_status = 'committed'
                         THEN (SELECT sum(quantity) FROM reservations r
                               WHERE r.order_id = o.id AND r.status = 'committed') IS DISTINCT FROM
                              (SELECT coalesce(sum(quantity), 0) FROM shipments s
                               JOIN shipment_lines l ON l.shipment_id = s.id WHERE s.order_id = o.id)
                    WHEN o.status = 'cancelled' THEN o.reservation_status NOT IN ('released', 'expired', 'none')
                         OR EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id)
                    ELSE o.reservation_status <> 'held' END
               OR EXISTS (SELECT FROM reservations r
                          WHERE r.order_id = o.id AND r.status <> o.reservation_status
                                AND NOT (o.status = 'cancelled' AND o.reservation_status = 'committed'
                                         AND r.status = 'released'))
               OR EXISTS (SELECT FROM (SELECT sku, quantity FROM order_lines WHERE order_id = o.id) l
                          FULL JOIN (SELECT sku, sum(quantity) AS quantity FROM shipments s
                                     JOIN shipment_lines g ON g.shipment_id = s.id
                                     WHERE s.order_id = o.id GROUP BY sku) g USING (sku)
                          WHERE coalesce(g.quantity, 0) > coalesce(l.quantity, 0)
                                OR (o.status IN ('shipped', 'delivered', 'refunded')
                                    AND g.quantity IS DISTINCT FROM l.quantity)) AS bad
        FROM orders o""",
    ),
    Invariant(
        "S6",
        "no hold outlives its deadline by 60 s (at rest)",
        """SELECT order_id::text AS offender, expires_at < now() - interval '60 seconds' AS bad
        FROM reservations WHERE status = 'held'""",
    ),
)

MONEY = (
    Invariant(
        "M1",
        "total = Σ lines + shipping + tax − discount",
        """SELECT o.id::text AS offender,
               o.total <> coalesce(sum(l.line_total), 0) + o.shipping + o.tax - o.discount AS bad
        FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id""",
    ),
    Invariant(
        "M2",
        "0 ≤ refunded ≤ captured ≤ amount, and no more is claimed of it than was captured",
        """SELECT order_id::text AS offender,
               NOT (0 <= refunded AND refunded <= captured AND captured <= amount)
               OR captured < coalesce((SELECT sum(r.amount) FROM refunds r
                                       WHERE r.payment_id = p.id AND r.status <> 'failed'), 0) AS bad
        FROM payments p""",
    ),
    Invariant(
        "M3",
        "one captured payment per order at most",
        "SELECT order_id::text AS offender, count(*) > 1 AS bad FROM payments WHERE captured > 0 GROUP BY order_id",
    ),
    Invariant(
        "M4",
        "a live order once captured, one by card of which anything has left, and any that is delivered: captured = "
        "total and refunded < total; no cancellation of it stands half way; cancelled or refunded: captured = refunded",
        f"""SELECT o.id::text AS offender,
               CASE WHEN o.status IN {LIVE}
                         AND (p.status = 'voided'
                              OR EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id
                                         AND r.cause = 'cancellation' AND r.status <> 'failed')) THEN true
                    WHEN o.status IN {LIVE}
                         AND (p.captured > 0 OR o.status = 'delivered'
                              OR (o.payment_method = 'card'
                                  AND EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id)))
                         THEN coalesce(p.captured, 0) <> o.total OR (p.captured > 0 AND p.refunded >= o.total)
                    WHEN o.status IN {LIVE} THEN false
                    WHEN o.status IN ('cancelled', 'refunded') THEN p.captured <> p.refunded
                    ELSE p.captured <> 0 END AS bad
        FROM orders o LEFT JOIN payments p ON p.order_id = o.id""",
    ),
    Invariant(
        "M5",
        "payments.refunded = Σ refunds that succeeded = Σ refunds in the ledger",
        """SELECT p.order_id::text AS offender,
               p.refunded <> coalesce((SELECT sum(r.amount) FROM refunds r
                                       WHERE r.payment_id = p.id AND r.status = 'succeeded'), 0)
               OR p.refunded <> coalesce((SELECT sum(-e.amount) FROM ledger_transactions t
                                          JOIN ledger_entries e ON e.transaction_id = t.id
                                          WHERE t.payment_id = p.id AND t.kind = 'refund'
                                                AND e.account IN ('provider_clearing', 'cash')), 0) AS bad
        FROM payments p""",
    ),
    Invariant(
        "M6",
        "over the shop: captured − refunded = totals of the live orders that were captured, by currency",
        f"""SELECT p.currency AS offender,
               sum(p.captured - p.refunded) <>
               coalesce(sum(o.total - p.refunded) FILTER (WHERE o.status IN {LIVE} AND p.captured > 0), 0) AS bad
        FROM payments p JOIN orders o ON o.id = p.order_id GROUP BY p.currency""",
    ),
    Invariant(
        "M7",
        "every money-ledger transaction sums to 0 per currency",
        """SELECT transaction_id::text AS offender, sum(amount) <> 0 AS bad
        FROM ledger_entries GROUP BY transaction_id, currency""",
    ),
    Invariant(
        "M8",
        "over the shop: captured − refunded = the ledger's account, cash or the provider's clearing, by currency",
        """SELECT account || ' ' || currency AS offender,
               coalesce(p.held, 0) <> coalesce(e.balance, 0) AS bad
        FROM (SELECT CASE provider WHEN 'cod' THEN 'cash' ELSE 'provider_clearing' END AS account, currency,
                     sum(captured - refunded) AS held FROM payments GROUP BY 1, 2) p
        FULL JOIN (SELECT account, currency, sum(amount) AS balance FROM ledger_entries
                   WHERE account IN ('provider_clearing', 'cash') GROUP BY 1, 2) e USING (account, currency)""",
    ),
)

STORIES = (
    Invariant(
        "I1",
        "each finished key leads to its order, none stuck over 90 s",
        """SELECT r.order_id::text AS offender,
               o.id IS NULL AND (r.outcome IS NOT NULL OR r.touched_at < now() - interval '90 seconds') AS bad
        FROM checkout_requests r LEFT JOIN orders o ON o.id = r.order_id""",
    ),
    Invariant(
        "E1",
        "order events have no gap, each starts where the one before it ended, the last ends at the order's status",
        """SELECT o.id::text AS offender,
               bool_or(e.seq IS NULL OR e.place <> e.seq OR e.from_status IS DISTINCT FROM e.before)
               OR max(e.seq) IS DISTINCT FROM o.version
               OR max(e.to_status) FILTER (WHERE e.seq = o.version) IS DISTINCT FROM o.status AS bad
        FROM orders o LEFT JOIN
            (SELECT order_id, seq, from_status, to_status,
                    row_number() OVER w AS place, lag(to_status) OVER w AS before
             FROM order_events WINDOW w AS (PARTITION BY order_id ORDER BY seq)) e ON e.order_id = o.id
        GROUP BY o.id""",
    ),
)

ALL: tuple[Invariant, ...] = STOCK + MONEY + STORIES


async def check(session: AsyncSession, invariants: Sequence[Invariant] = ALL) -> list[Finding]:
    """Run them in the session's snapshot."""
    return [await _check(session, invariant) for invariant in invariants]


async def _check(session: AsyncSession, invariant: Invariant) -> Finding:
    # The text is a constant of this module: nothing from outside gets into it.
    statement = f"""WITH rows AS ({invariant.rows})
        SELECT count(*), count(*) FILTER (WHERE bad),
               (array_agg(offender) FILTER (WHERE bad))[1:{SHOWN_OFFENDERS}] FROM rows"""
    checked, violations, offenders = (await session.execute(text(statement))).one()
    return Finding(invariant.name, invariant.meaning, checked, violations, offenders or [])
