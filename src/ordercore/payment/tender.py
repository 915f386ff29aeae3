"""
Tenders: what an order is paid with (RULES PAY-1, PAY-7). Import from `ordercore.payment.model`.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.ids import StreamId, TenderId, checked_id
from ordercore.moment import Period
from ordercore.money import Money
from ordercore.payment._fields import (
    InvalidPaymentError,
    instrument,
    no_card,
    positive_or_none,
    tender_id,
)

__all__ = ["STORE_VALUE", "DueWhen", "Tender", "TenderKind", "account_stream"]


@unique
class TenderKind(StrEnum):
    """What an order is paid with (RULES PAY-1)."""

    CARD = "card"
    WALLET = "wallet"
    BANK_TRANSFER = "bank_transfer"
    CASH = "cash"
    CASH_ON_DELIVERY = "cash_on_delivery"
    ON_ACCOUNT = "on_account"
    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"
    POINTS = "points"
    EXCHANGE_CREDIT = "exchange_credit"
    MANUAL = "manual"


@unique
class DueWhen(StrEnum):
    """When a tender has to be paid (RULES PAY-7)."""

    PLACEMENT = "placement"
    DISPATCH = "dispatch"
    DELIVERY = "delivery"
    INVOICE = "invoice"
    DATE = "date"


THROUGH_GATEWAY: Final = frozenset(
    {
        TenderKind.CARD,
        TenderKind.WALLET,
        TenderKind.GIFT_CARD,
        TenderKind.STORE_CREDIT,
        TenderKind.POINTS,
    }
)
"""Kinds whose money a gateway moves for us; all others are recorded or reported."""
LATER: Final = frozenset({TenderKind.ON_ACCOUNT, TenderKind.CASH_ON_DELIVERY})
"""Kinds that are trusted to be paid later by their nature."""
STORE_VALUE: Final = "store-value"
"""The gateway of tenders that are paid from an account of the shop's own (RULES PAY-1)."""
STORED: Final = frozenset(
    {
        TenderKind.GIFT_CARD,
        TenderKind.STORE_CREDIT,
        TenderKind.POINTS,
        TenderKind.EXCHANGE_CREDIT,
    }
)
"""Kinds that such an account can pay."""


def account_stream(account: str) -> StreamId:
    """
    The stream of facts of one account of store value.

    Raises:
        InvalidIdentifierError: The text is no identifier.

    >>> account_stream("GC-7")
    'credit:GC-7'
    """
    return StreamId(f"credit:{checked_id(account, 'account')}")


def _gateway(value: str) -> str:
    return no_card(value, "gateway").strip()


@frozen(kw_only=True)
class Tender:
    """
    One way in which an order is paid.

    ``amount`` None: all that the other tenders leave. ``instrument`` is a gateway's token, never a
    card number, and is not printed; with the gateway `STORE_VALUE` it names the account that pays
    (`ordercore.payment.account`). ``due_after`` is a payment term; ``due_on`` goes with
    `DueWhen.DATE`.
    """

    id: TenderId = field(converter=tender_id)
    kind: TenderKind = TenderKind.CARD
    amount: Money | None = field(default=None, converter=positive_or_none)
    gateway: str = field(default="default", converter=_gateway)
    instrument: str = field(default="", repr=False, converter=instrument)
    due: DueWhen = DueWhen.PLACEMENT
    due_after: Period | None = None
    due_on: date | None = None

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if type(self.kind) is not TenderKind or type(self.due) is not DueWhen:
            raise InvalidPaymentError("tender", "its kind or its due date is none that is known")
        if (self.due is DueWhen.DATE) != (self.due_on is not None):
            raise InvalidPaymentError("due_on", "it goes together with due DATE, and only with it")
        if self.account is not None and self.kind not in STORED:
            raise InvalidPaymentError("gateway", "an account cannot pay a tender of this kind")

    @property
    def account(self) -> StreamId | None:
        """The account of store value that pays; None where something else does."""
        return account_stream(self.instrument) if self.gateway == STORE_VALUE else None

    @property
    def uses_gateway(self) -> bool:
        """Whether the engine moves this money; if not, somebody records it."""
        return self.kind in THROUGH_GATEWAY or self.gateway == STORE_VALUE

    @property
    def is_deferred(self) -> bool:
        """
        Whether goods may go before this tender is paid (RULES PAY-7).

        A card is never trusted: its authorisation covers the goods, whenever it is captured.
        """
        if self.uses_gateway:
            return False
        return self.kind in LATER or self.due is not DueWhen.PLACEMENT
