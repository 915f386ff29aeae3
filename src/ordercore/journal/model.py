"""
Accounts and entries: amounts above zero are debits, below zero credits, and they sum to zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum, unique

from attrs import define, field, frozen

from ordercore.errors import BrokenContractError
from ordercore.moment import utc
from ordercore.money import Money, sum_money

__all__ = ["Account", "AccountKind", "Entry", "EntryRow", "UnbalancedEntryError", "entry_of"]


@unique
class AccountKind(StrEnum):
    """What an account is about; hosts map them to their own chart."""

    CLEARING = "clearing"
    """Money that a gateway holds for us, per gateway."""
    BANK = "bank"
    RECEIVABLE = "receivable"
    """What customers owe for what was invoiced."""
    DEPOSITS = "deposits"
    """What customers paid for what was not invoiced yet."""
    REFUNDS_PAYABLE = "refunds_payable"
    STORED_VALUE = "stored_value"
    """Gift cards, store credit and points that customers hold, per kind."""
    DISPUTES = "disputes"
    """Money that a gateway holds back while a dispute is open."""
    SALES = "sales"
    DISCOUNTS = "discounts"
    SHIPPING = "shipping"
    CHARGES = "charges"
    """Surcharges that were invoiced, per kind."""
    ALLOWANCES = "allowances"
    """Goodwill, price reductions, and fees kept of them, per kind."""
    TAX = "tax"
    """Per jurisdiction, or per tax code where there is none."""
    COST_OF_GOODS = "cost_of_goods"
    STOCK = "stock"
    GATEWAY_FEES = "gateway_fees"


@frozen(order=True)
class Account:
    """An account: its kind, and what tells several of one kind apart."""

    kind: AccountKind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.detail}" if self.detail else self.kind.value


@define
class UnbalancedEntryError(BrokenContractError):
    """An entry whose debits are not its credits."""

    sentence = "The entry for {reason} is out of balance by {difference}."
    reason: str
    difference: Money


@frozen
class EntryRow:
    """One row: a debit (above zero) or a credit (below zero) of an account."""

    account: Account
    amount: Money


@frozen(kw_only=True)
class Entry:
    """
    One balanced double entry.

    ``reason`` names the kind of fact behind it, ``subject`` the order, gateway or payout.

    Raises:
        UnbalancedEntryError: The rows do not sum to zero.
        CurrencyMismatchError: Rows in two currencies.
    """

    at: datetime = field(converter=utc)
    reason: str
    subject: str
    rows: tuple[EntryRow, ...]

    def __attrs_post_init__(self) -> None:
        """Check the balance."""
        if self.rows:
            difference = sum_money([row.amount for row in self.rows], self.rows[0].amount.currency)
            if difference:
                raise UnbalancedEntryError(self.reason, difference)


def entry_of(
    amounts: Iterable[tuple[Account, Money]], *, at: datetime, reason: str, subject: str
) -> tuple[Entry, ...]:
    """
    The entry with one row per account, sorted; none where nothing is left after netting.

    Raises:
        UnbalancedEntryError: The amounts do not sum to zero.
        CurrencyMismatchError: Amounts in two currencies.
    """
    sums: dict[Account, Money] = {}
    for account, amount in amounts:
        known = sums.get(account)
        sums[account] = amount if known is None else known + amount
    rows = tuple(EntryRow(account, sums[account]) for account in sorted(sums) if sums[account])
    if not rows:
        return ()
    return (Entry(at=at, reason=reason, subject=subject, rows=rows),)
