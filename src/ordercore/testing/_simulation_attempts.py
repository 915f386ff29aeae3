"""
What must hold between attempts at the same thing: a decline is waited for, and not for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

from ordercore.order.model import Order
from ordercore.payment.model import Operation
from ordercore.payment.policy import PaymentPolicy
from ordercore.testing.sandbox import EntryState, LedgerEntry

__all__ = ["hasty_attempts"]


def hasty_attempts(orders: Iterable[Order], ledger: Iterable[LedgerEntry]) -> Iterator[str]:
    """
    Attempts that came sooner after a decline, or oftener, than the terms say (RULES PAY-5).

    Who brings another instrument need not wait, and begins to count anew; so does who succeeded.
    Each of two clocks may be wrong by a skew, at either end.
    """
    rows = tuple(ledger)
    if any(row.state is EntryState.DECLINED for row in rows):
        for order in orders:
            for attempts in _attempts(order, rows):
                yield from _hasty(order.terms.payment, attempts)


def _hasty(policy: PaymentPolicy, attempts: Iterable[LedgerEntry]) -> Iterator[str]:
    least = policy.soft_retry_after - 4 * policy.clock_skew
    declined: list[LedgerEntry] = []
    for row in attempts:
        if declined and row.at - declined[-1].at < least:
            yield f"{row.key} came {row.at - declined[-1].at} after a decline"
        declined = [*declined, row] if row.state is EntryState.DECLINED else []
        if len(declined) > policy.soft_retries + 1:
            yield f"{row.key} is attempt {len(declined)}, and all before were declined"


def _attempts(order: Order, ledger: Iterable[LedgerEntry]) -> Iterable[list[LedgerEntry]]:
    """
    What was tried again and again, by the gateway's books; not what was forgiven since.

    A void is left out: staff may ask for one at any time.
    """
    found: dict[Hashable, list[LedgerEntry]] = defaultdict(list)
    for row in ledger:
        known = order.payment.operations.get(row.key)
        is_forgiven = known is None or known.is_forgiven
        if not is_forgiven and row.operation is not Operation.VOID:
            found[row.operation, row.tender, row.target].append(row)
    return found.values()
