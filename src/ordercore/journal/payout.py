"""
Payouts: a gateway sends what it holds, less its fees, and the clearing account is empty.
"""

from __future__ import annotations

from datetime import datetime

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import Reference
from ordercore.journal.model import Account, AccountKind, Entry, entry_of
from ordercore.moment import utc
from ordercore.money import Money

__all__ = ["Payout", "PayoutMismatchError", "payout_entry"]


@define
class PayoutMismatchError(InvalidValueError):
    """A payout whose parts do not add up."""

    sentence = "Payout {reference}: gross {gross} less fees {fees} is not net {net}."
    reference: Reference
    gross: Money
    fees: Money
    net: Money


@frozen(kw_only=True)
class Payout:
    """
    What a gateway paid out: captures less refunds and disputes is gross, less fees is net.

    Below zero: the gateway took money back.

    Raises:
        PayoutMismatchError: The three do not add up.
        CurrencyMismatchError: Amounts in two currencies.
    """

    gateway: str
    reference: Reference
    gross: Money
    fees: Money
    net: Money
    at: datetime = field(converter=utc)

    def __attrs_post_init__(self) -> None:
        """Check the sum."""
        if self.gross - self.fees != self.net:
            raise PayoutMismatchError(self.reference, self.gross, self.fees, self.net)


def payout_entry(payout: Payout) -> tuple[Entry, ...]:
    """
    The entry of a payout: the clearing account falls by gross, the bank rises by net.

    Source:
        RULES D-5.

    >>> from ordercore.money import EUR
    >>> from ordercore.moment import parse_instant
    >>> payout = Payout(gateway="acme", reference=Reference("po-1"), gross=Money(10000, EUR),
    ...                 fees=Money(320, EUR), net=Money(9680, EUR),
    ...                 at=parse_instant("2026-03-01T00:00:00Z"))
    >>> for row in payout_entry(payout)[0].rows:
    ...     print(row.account, row.amount)
    bank 96.80 EUR
    clearing:acme -100.00 EUR
    gateway_fees 3.20 EUR
    """
    amounts = [
        (Account(AccountKind.CLEARING, payout.gateway), -payout.gross),
        (Account(AccountKind.GATEWAY_FEES), payout.fees),
        (Account(AccountKind.BANK), payout.net),
    ]
    return entry_of(amounts, at=payout.at, reason="Payout", subject=payout.reference)
