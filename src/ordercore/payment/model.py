"""
What is paid with, and what became of it: tenders, operations, and the balances they make.

Every operation of a gateway is an `Intent` that is saved before it is a call (RULES PAY-2). Its
state is folded from facts; every balance (RULES PAY-1) is derived from the operations, so no
order, repetition or lateness of reports can make two figures disagree.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.ids import Key, PartyId, Reference, TenderId
from ordercore.moment import utc
from ordercore.money import Money
from ordercore.payment._fields import (
    InvalidPaymentError,
    checked_reference,
    instant,
    key_id,
    optional_reference,
    positive,
)
from ordercore.payment.answers import DeclineKind
from ordercore.payment.cards import CardNumberError, looks_like_card
from ordercore.payment.tender import STORE_VALUE, DueWhen, Tender, TenderKind, account_stream

__all__ = [
    "ADJUSTING",
    "COVERING",
    "FAILURES",
    "OPEN",
    "REFUSALS",
    "STORE_VALUE",
    "About",
    "CardNumberError",
    "Dispute",
    "DisputeStatus",
    "DueWhen",
    "Intent",
    "InvalidPaymentError",
    "Operation",
    "OperationState",
    "OperationStatus",
    "RecordedPayment",
    "Tender",
    "TenderKind",
    "WaitingReport",
    "account_stream",
    "looks_like_card",
]


@unique
class Operation(StrEnum):
    """What a gateway is asked to do."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    INCREASE = "increase"
    """Raise a standing authorisation to a larger amount."""
    EXTEND = "extend"
    """Let a standing authorisation last longer."""


ADJUSTING: Final = frozenset({Operation.INCREASE, Operation.EXTEND})
"""Operations that change a standing authorisation; their amount is its whole (RULES PAY-2)."""
COVERING: Final = ADJUSTING | {Operation.AUTHORISE}
"""Operations that ask the payer's bank for cover."""


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

REFUSALS: Final = frozenset({OperationStatus.DECLINED, OperationStatus.FAILED})
"""Statuses in which somebody said no to an attempt, at once or later."""
FAILURES: Final = REFUSALS | {OperationStatus.NEVER_HAPPENED}
"""Statuses in which an attempt came to nothing."""


@frozen(kw_only=True)
class Intent:
    """
    What shall be done, saved before it is done.

    ``key`` is a pure function of order, operation, tender and attempt; ``target`` is the key of
    the capture (refund) or the authorisation (all others) that it is about. It may be sent until
    ``not_after`` and never later. The ``amount`` of an increase or an extension is that of the
    whole authorisation, as it shall be: two of them never add up.
    """

    key: Key = field(converter=key_id)
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
    withdraws: bool = False
    """A void by hand: its tender is not authorised again by itself (RULES PAY-5)."""
    extension: Key | None = None
    """The latest extension of its authorisation: some gateways have another name for it since."""

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if type(self.operation) is not Operation:
            raise InvalidPaymentError("operation", "it must be an Operation")
        if (self.operation is Operation.AUTHORISE) != (self.target is None):
            raise InvalidPaymentError("target", "all but an authorisation have one")
        if self.not_after < self.at:
            raise InvalidPaymentError("not_after", "it must not lie before the intent")


@frozen(kw_only=True)
class OperationState:
    """
    An intent and what became of it.

    ``settled`` is what it really moved, the largest figure that was told; ``settled_at`` is when
    that was told first. ``asks`` counts unresolved answers, ``ask_at`` is when to ask next;
    ``retry_at`` is when a decline may be tried anew. ``action`` is what the payer has to do.
    ``mismatch``: a reply contradicted the intent (RULES PAY-6).
    """

    intent: Intent
    tender: Tender | None = None
    """The tender as it was when this was intended, or its target: no call changes its body."""
    status: OperationStatus = OperationStatus.INTENDED
    settled: Money | None = None
    settled_at: datetime | None = field(default=None, converter=instant)
    reference: Reference | None = field(default=None, converter=optional_reference)
    expires_at: datetime | None = field(default=None, converter=instant)
    asks: int = 0
    ask_at: datetime | None = field(default=None, converter=instant)
    action: str = field(default="", repr=False)
    decline: DeclineKind | None = None
    is_final: bool = False
    """A failure that is not to be tried again as it was."""
    is_closed: bool = False
    """An authorisation that can give no more: its only capture was made."""
    retry_at: datetime | None = field(default=None, converter=instant)
    is_forgiven: bool = False
    """Its tender was given another chance since: it does not count against it any more."""
    mismatch: bool = False
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it may still turn out to have happened."""
        return self.status in OPEN

    @property
    def is_abandoned(self) -> bool:
        """Whether it waits for a payer who has chosen to pay with something else instead."""
        return self.is_forgiven and self.status is OperationStatus.ACTION_REQUIRED

    @property
    def moved(self) -> Money:
        """What it moved for good, as far as is known now."""
        counts = self.is_open or self.status is OperationStatus.SUCCEEDED
        if self.settled is not None and counts:
            return self.settled
        return Money.zero(self.intent.amount.currency)

    @property
    def in_flight(self) -> Money:
        """What it may still move."""
        rest = self.intent.amount - self.moved
        return rest if self.is_open and rest.is_positive else Money.zero(rest.currency)


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
    """
    The customer's bank took money back, for now or for good.

    ``at`` is when the bank said so: of two outcomes the later counts.
    """

    reference: Reference = field(converter=checked_reference)
    tender: TenderId
    amount: Money = field(converter=positive)
    status: DisputeStatus = DisputeStatus.OPENED
    at: datetime = field(converter=utc)


@unique
class About(StrEnum):
    """What sort of report waits."""

    ANSWER = "answer"
    OPERATION = "operation"
    FAILURE = "failure"
    EXPIRY = "expiry"
    COLLECTION = "collection"
    DISPUTE = "dispute"


@frozen(kw_only=True)
class WaitingReport:
    """
    A report that fits nothing known: it waits until it does, or for a person (RULES PAY-6).

    It holds all that the report said, but for the words of an answer. ``reference`` is the key for
    an answer; ``origin`` is a dispute's capture. ``reason`` says what does not fit, or why a
    capture or refund failed.
    """

    about: About
    reference: Reference
    operation: Operation | None = None
    amount: Money | None = None
    origin: Reference | None = None
    tender: TenderId | None = None
    status: DisputeStatus | None = None
    reason: str = ""
    at: datetime = field(converter=utc)
    key: Key | None = None
    expires_at: datetime | None = field(default=None, converter=instant)

    @property
    def _name(self) -> tuple[object, ...]:
        """What tells it from others; of a dispute's outcomes the later counts, so each is kept."""
        currency = None if self.amount is None else self.amount.currency
        at = self.at if self.about is About.DISPUTE else None
        said = self.about, self.reference, self.operation, self.status, self.tender
        return *said, self.key, self.origin, currency, at

    def is_like(self, other: WaitingReport) -> bool:
        """Whether both say the same, but for the size of the amount and the time."""
        return self._name == other._name
