"""The provider's journal compared with our books: begin, one page after another, what differs, finish."""

from activities.reconciliation.comparing import ReconciliationActivities

__all__ = ["ReconciliationActivities"]
