"""
The two ledgers of RULES RF-1: what is owed, and what is held; and what follows from both.

Pure functions on totals. Whoever asks again after every fact needs no memory of what was asked
before.
"""

from __future__ import annotations

from collections.abc import Iterable

from ordercore.money import Money, checked_amount, sum_money
from ordercore.refund.model import Credit, refuse_unless

__all__ = ["claimable", "owed", "placed_nowhere", "to_pay_back"]


def owed(charged: Money, credits_so_far: Iterable[Credit]) -> Money:
    """
    What the buyer owes for the whole order: charges less credits, at least zero.

    Source:
        RULES RF-1.
    """
    checked_amount(charged, "what was charged")
    taken = sum_money([credit.amount for credit in _checked(credits_so_far)], charged.currency)
    return max(charged - taken, Money.zero(charged.currency))


def claimable(
    owed_now: Money, *, dispatched: Money | None = None, earlier_due: Money | None = None
) -> Money:
    """
    What may be claimed already: all that is owed, or under capture at dispatch a part of it.

    Args:
        owed_now: See `owed`.
        dispatched: Under capture at dispatch, while a slot is open: what the dispatched slots are
            still worth, less goodwill. None otherwise.
        earlier_due: What tenders that are due earlier were to pay.

    Source:
        RULES RF-1.

    >>> from ordercore.money import EUR
    >>> claimable(Money(10000, EUR), dispatched=Money(4000, EUR))
    Money(4000, EUR)
    """
    if dispatched is None:
        return checked_amount(owed_now, "owed")
    zero = Money.zero(checked_amount(owed_now, "owed").currency)
    return min(owed_now, max(dispatched, earlier_due or zero, zero))


def to_pay_back(held: Money, *, claim: Money, in_flight: Money, disputed: Money) -> Money:
    """
    What is to be sent back now: what is held beyond what may be claimed.

    Args:
        held: Captured, less refunded, less disputes lost.
        claim: See `claimable`.
        in_flight: Refunds on their way.
        disputed: Disputes open.

    Source:
        RULES RF-1. On account 100, unpaid, all returned: nothing. 40 of 100 paid, 50 returned:
        nothing.

    >>> from ordercore.money import EUR
    >>> zero = Money.zero(EUR)
    >>> to_pay_back(Money(4000, EUR), claim=Money(5000, EUR), in_flight=zero, disputed=zero)
    Money(0, EUR)
    """
    refuse_unless(held, Money, "held")
    return max(held - claim - in_flight - disputed, Money.zero(held.currency))


def placed_nowhere(charged: Money, credits_so_far: Iterable[Credit]) -> Money:
    """Credits that belong to no slots: goodwill, less fees and freight that were kept."""
    parts = [
        part.amount for one in _checked(credits_so_far) for part in one.parts if not part.slots
    ]
    return sum_money(parts, charged.currency)


def _checked(credits_so_far: Iterable[Credit]) -> Iterable[Credit]:
    """The credits, once they are some."""
    refuse_unless(credits_so_far, Iterable, "credits")
    for credit in credits_so_far:
        refuse_unless(credit, Credit, "credits")
        yield credit
