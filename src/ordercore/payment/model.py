"""
What is paid with, and what became of it: tenders, operations, and the balances they make.

Every operation of a gateway is an `Intent` that is saved before it is a call (RULES PAY-2). Its
state is folded from facts; every balance (RULES PAY-1) is derived from the operations, so no
order, repetition or lateness of reports can make two figures disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import Key, PartyId, Reference, TenderId, id_of
from ordercore.moment import Period, utc
from ordercore.money import Money

__all__ = [
    "OPEN",
    "CardNumberError",
    "Dispute",
    "DisputeStatus",
    "DueWhen",
    "Intent",
    "InvalidPaymentError",
    "Operation",
    "OperationState",
    "OperationStatus",
    "PaymentState",
    "RecordedPayment",
    "Tender",
    "TenderKind",
    "looks_like_card",
]


@define
class InvalidPaymentError(InvalidValueError):
    """A value that payments cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


@define
class CardNumberError(InvalidValueError):
    """A payment reference is a plausible card number: it has no place here (RULES PAY-8)."""

    sentence = "{name} looks like a card number; give the gateway's token instead."
    name: str


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
LATER: Final = frozenset({TenderKind.ON_ACCOUNT, TenderKind.CASH_ON_DELIVERY})

_DIGITS: Final = re.compile(r"[ -]")
_CARD: Final = re.compile(r"[0-9]{13,19}")


def looks_like_card(text: str) -> bool:
    """Whether *text* is 13 to 19 digits (blanks and hyphens aside) with a right Luhn digit."""
    digits = _DIGITS.sub("", text)
    if not _CARD.fullmatch(digits):
        return False
    odd = [int(digit) for digit in digits[-1::-2]]
    even = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(odd) + sum(even)) % 10 == 0


def no_card(value: str, name: str) -> str:
    """
    The text itself.

    Raises:
        CardNumberError: It is a plausible card number; the message does not repeat it.
    """
    if type(value) is not str:
        raise InvalidPaymentError(name, "it must be text")
    if len(value) > 500:
        raise InvalidPaymentError(name, "it is longer than 500 characters")
    if looks_like_card(value):
        raise CardNumberError(name)
    return value


def _instrument(value: str) -> str:
    return no_card(value, "instrument")


def checked_reference(value: Reference) -> Reference:
    """A gateway's own id, which is never a card number."""
    return Reference(no_card(value, "reference"))


def _optional_reference(value: Reference | None) -> Reference | None:
    return None if value is None else checked_reference(value)


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def positive(value: Money) -> Money:
    """
    The amount itself.

    Raises:
        InvalidPaymentError: It is no `Money` above zero.
    """
    if type(value) is not Money or not value.is_positive:
        raise InvalidPaymentError("amount", "it must be an amount of more than zero")
    return value


def positive_or_none(value: Money | None) -> Money | None:
    """The amount itself, where there is one."""
    return None if value is None else positive(value)


_tender_id: Final = id_of(TenderId, "tender id")
_key: Final = id_of(Key, "key")


@frozen(kw_only=True)
class Tender:
    """
    One way in which an order is paid.

    ``amount`` None: all that the other tenders leave. ``instrument`` is a gateway's token, never a
    card number, and is not printed.
    """

    id: TenderId = field(converter=_tender_id)
    kind: TenderKind = TenderKind.CARD
    amount: Money | None = field(default=None, converter=positive_or_none)
    gateway: str = "default"
    instrument: str = field(default="", repr=False, converter=_instrument)
    due: DueWhen = DueWhen.PLACEMENT
    due_after: Period | None = None
    due_on: date | None = None

    @property
    def uses_gateway(self) -> bool:
        """Whether the engine moves this money; if not, somebody records it."""
        return self.kind in THROUGH_GATEWAY

    @property
    def is_deferred(self) -> bool:
        """Whether goods may go before this tender is paid (RULES PAY-7)."""
        return self.kind in LATER or self.due is not DueWhen.PLACEMENT


@unique
class Operation(StrEnum):
    """What a gateway is asked to do."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@unique
class OperationStatus(StrEnum):
    """Where one operation stands; `ordercore.payment.status.OPERATION` is its table."""

    INTENDED = "intended"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    IN_DOUBT = "in_doubt"
    PARKED = "parked"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    NEVER_HAPPENED = "never_happened"
    FAILED = "failed"
    """It had succeeded, and the outside took that back."""
    EXPIRED = "expired"
    """An authorisation that can no longer be captured."""


OPEN: Final = frozenset(
    {
        OperationStatus.INTENDED,
        OperationStatus.PENDING,
        OperationStatus.ACTION_REQUIRED,
        OperationStatus.IN_DOUBT,
        OperationStatus.PARKED,
    }
)
"""Statuses in which an operation may still turn out to have happened."""


@frozen(kw_only=True)
class Intent:
    """
    What shall be done, saved before it is done.

    ``key`` is a pure function of order, operation, tender and attempt; ``target`` is the key of
    the authorisation (capture, void) or capture (refund) that it is about. It may be sent until
    ``not_after`` and never later.
    """

    key: Key = field(converter=_key)
    operation: Operation
    tender: TenderId
    amount: Money = field(converter=positive)
    at: datetime = field(converter=utc)
    not_after: datetime = field(converter=utc)
    attempt: int = 1
    target: Key | None = None
    party: tuple[PartyId, int] | None = None
    closes: bool = False
    """A capture that ends its authorisation, because the gateway allows one only."""


@frozen(kw_only=True)
class OperationState:
    """
    An intent and what became of it.

    ``settled`` is what it really moved; ``asks`` counts unresolved answers, ``ask_at`` is when to
    ask next; ``retry_at`` is when a soft decline may be tried anew.
    """

    intent: Intent
    status: OperationStatus = OperationStatus.INTENDED
    settled: Money | None = None
    reference: Reference | None = field(default=None, converter=_optional_reference)
    expires_at: datetime | None = field(default=None, converter=_instant)
    asks: int = 0
    ask_at: datetime | None = field(default=None, converter=_instant)
    is_final: bool = False
    """A decline not to be tried again as it was; an authorisation that can give no more."""
    retry_at: datetime | None = field(default=None, converter=_instant)
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it may still turn out to have happened."""
        return self.status in OPEN

    @property
    def moved(self) -> Money:
        """What it moved for good, as far as is known now."""
        if self.status is OperationStatus.SUCCEEDED and self.settled is not None:
            return self.settled
        return Money.zero(self.intent.amount.currency)


@frozen(kw_only=True)
class RecordedPayment:
    """Money that came in (or, refunded, went out) without our asking: cash, a transfer."""

    tender: TenderId
    amount: Money
    reference: Reference = field(converter=checked_reference)
    is_refund: bool = False


@unique
class DisputeStatus(StrEnum):
    """Where a dispute stands."""

    OPENED = "opened"
    WON = "won"
    LOST = "lost"


@frozen(kw_only=True)
class Dispute:
    """The customer's bank took money back, for now or for good."""

    reference: Reference = field(converter=checked_reference)
    tender: TenderId
    amount: Money = field(converter=positive)
    status: DisputeStatus = DisputeStatus.OPENED


@frozen(kw_only=True)
class PaymentState:
    """All that is known about an order's money; the mappings are never changed in place."""

    tenders: tuple[Tender, ...] = ()
    operations: Mapping[Key, OperationState] = field(factory=dict[Key, OperationState])
    recorded: Mapping[Reference, RecordedPayment] = field(factory=dict[Reference, RecordedPayment])
    disputes: Mapping[Reference, Dispute] = field(factory=dict[Reference, Dispute])
    unmatched: int = 0

    def of(self, operation: Operation) -> Iterator[OperationState]:
        """The operations of one kind, oldest first."""
        return (state for state in self.operations.values() if state.intent.operation is operation)

    def tender(self, tender: TenderId) -> Tender | None:
        """The tender with this id."""
        return next((candidate for candidate in self.tenders if candidate.id == tender), None)

    def aimed_at(self, key: Key, operation: Operation) -> Iterator[OperationState]:
        """The operations of one kind about the operation *key*."""
        return (state for state in self.of(operation) if state.intent.target == key)
