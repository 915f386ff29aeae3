"""Transactions: what a payment gateway did, in neutral words. Card details are never read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.codec.strict_json import Reader
from ordercore.integrations.people import plain
from ordercore.integrations.shopify._payload import objects
from ordercore.money import Currency, Money

__all__ = [
    "Transaction",
    "TransactionKind",
    "TransactionStatus",
    "read_transactions",
    "transaction_of",
]


@unique
class TransactionKind(StrEnum):
    """What was done with money."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    SALE = "sale"
    """Authorised and captured at once."""
    VOID = "void"
    REFUND = "refund"
    SUGGESTED_REFUND = "suggested_refund"
    """Nothing was done: the platform proposes it."""
    UNKNOWN = "unknown"


@unique
class TransactionStatus(StrEnum):
    """How it ended."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The platform says nothing, or a word that is not known here: look it up."""


KINDS: Final = {
    "authorization": TransactionKind.AUTHORISE,
    "capture": TransactionKind.CAPTURE,
    "sale": TransactionKind.SALE,
    "void": TransactionKind.VOID,
    "refund": TransactionKind.REFUND,
    "suggested_refund": TransactionKind.SUGGESTED_REFUND,
}
STATUSES: Final = {
    "success": TransactionStatus.SUCCEEDED,
    "pending": TransactionStatus.PENDING,
    "failure": TransactionStatus.FAILED,
    "error": TransactionStatus.FAILED,
}


@frozen(kw_only=True)
class Transaction:
    """One thing that was done with money; *raw_kind* and *raw_status* are Shopify's words."""

    id: str | None
    order: str
    parent: str | None
    """The transaction that this one builds on: a capture's authorisation, a refund's capture."""
    kind: TransactionKind
    raw_kind: str
    status: TransactionStatus
    raw_status: str
    amount: Money
    gateway: str
    at: datetime | None
    is_test: bool
    maximum_refundable: Money | None = None

    @property
    def moved(self) -> bool:
        """Whether it succeeded."""
        return self.status is TransactionStatus.SUCCEEDED


def read_transactions(
    raw: bytes | str, *, currency: Currency | None = None
) -> tuple[Transaction, ...]:
    """
    The transactions of a response: ``{"transaction": {…}}``, ``{"transactions": […]}`` or ``[…]``.

    Args:
        currency: What an amount is in when the payload, as old ones do, does not say.

    Raises:
        PayloadError: A payload of another shape, or no currency at all.

    Source:
        RULES X-1, PAY-8; Shopify REST Admin API 2024-01, Transaction.
    """
    owners = objects(raw, "transaction", "transactions")
    return tuple(transaction_of(owner, currency) for owner in owners)


def transaction_of(owner: Reader, currency: Currency | None) -> Transaction:
    """One transaction."""
    stated = owner.optional_currency("currency") or currency or owner.currency("currency")
    raw_kind = owner.text("kind", longest=100)
    raw_status = owner.optional_text("status", longest=100) or ""
    return Transaction(
        id=owner.optional_identifier("id"),
        order=owner.identifier("order_id"),
        parent=owner.optional_identifier("parent_id"),
        kind=KINDS.get(raw_kind, TransactionKind.UNKNOWN),
        raw_kind=raw_kind,
        status=STATUSES.get(raw_status, TransactionStatus.UNKNOWN),
        raw_status=raw_status,
        amount=owner.money("amount", stated),
        gateway=plain(owner.optional_text("gateway")),
        at=owner.optional_instant("processed_at") or owner.optional_instant("created_at"),
        is_test=owner.optional_boolean("test") or False,
        maximum_refundable=owner.optional_money("maximum_refundable", stated),
    )
