"""
What happened to an order's money.
"""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from ordercore.facts import Event
from ordercore.ids import Key, Reference, TenderId
from ordercore.money import Money
from ordercore.payment._fields import checked_reference, optional_reference
from ordercore.payment.answers import DeclineKind
from ordercore.payment.model import DisputeStatus, Intent, Tender, WaitingReport

__all__ = [
    "AuthorisationExpired",
    "DisputeReported",
    "LotPart",
    "OperationActionRequired",
    "OperationDeclined",
    "OperationFailed",
    "OperationInDoubt",
    "OperationIntended",
    "OperationNeverHappened",
    "OperationParked",
    "OperationPending",
    "OperationSucceeded",
    "PaymentMatched",
    "PaymentRecorded",
    "PaymentUnmatched",
    "RefundRecorded",
    "StoreValueFact",
    "StoreValueHeld",
    "StoreValueIssued",
    "StoreValueLapsed",
    "StoreValueReleased",
    "StoreValueReturned",
    "StoreValueTaken",
    "TenderAdded",
    "TenderReplaced",
]


@frozen(kw_only=True)
class TenderAdded(Event):
    """Another way to pay joined the order."""

    tender: Tender


@frozen(kw_only=True)
class TenderReplaced(Event):
    """A tender has another instrument now, and may be tried again."""

    tender: Tender


@frozen(kw_only=True)
class OperationIntended(Event):
    """An operation is wanted: saved before it is a call (RULES PAY-2)."""

    intent: Intent


@frozen(kw_only=True)
class OperationSucceeded(Event):
    """It happened, for this amount; however late, it is always recorded."""

    key: Key
    reference: Reference = field(converter=checked_reference)
    amount: Money
    expires_at: datetime | None = None


@frozen(kw_only=True)
class OperationPending(Event):
    """The gateway has it and will say later; ``amount`` is what has happened of it so far."""

    key: Key
    reference: Reference = field(converter=checked_reference)
    amount: Money | None = None
    ask_at: datetime


@frozen(kw_only=True)
class OperationActionRequired(Event):
    """The customer must do something first; ``action`` says what, such as a page to open."""

    key: Key
    reference: Reference = field(converter=checked_reference)
    action: str = field(default="", repr=False)
    ask_at: datetime


@frozen(kw_only=True)
class OperationDeclined(Event):
    """It did not happen; ``retry_at`` is empty where trying again makes no sense."""

    key: Key
    kind: DeclineKind
    code: str = ""
    retry_at: datetime | None = None


@frozen(kw_only=True)
class OperationInDoubt(Event):
    """Nobody knows whether it happened; ``ask_at`` is when to ask next."""

    key: Key
    reason: str = ""
    ask_at: datetime


@frozen(kw_only=True)
class OperationNeverHappened(Event):
    """The gateway knows of no such operation, and it is too late for it to begin."""

    key: Key


@frozen(kw_only=True)
class OperationParked(Event):
    """
    It could not be resolved: a person must decide.

    ``mismatch``: a reply contradicted the intent (RULES PAY-6), which no later decline undoes.
    """

    key: Key
    reason: str = ""
    mismatch: bool = False
    reference: Reference | None = field(default=None, converter=optional_reference)


@frozen(kw_only=True)
class OperationFailed(Event):
    """
    A capture or refund was taken back by the outside, whatever it says later (RULES PAY-6).

    ``retry_at`` is empty where only a person may let it be tried again.
    """

    key: Key
    reason: str = ""
    retry_at: datetime | None = None


@frozen(kw_only=True)
class AuthorisationExpired(Event):
    """Nothing can be captured from it any more."""

    key: Key


@frozen(kw_only=True)
class PaymentRecorded(Event):
    """Money came in without our asking: cash, a transfer, cash on delivery."""

    tender: TenderId
    amount: Money
    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class RefundRecorded(Event):
    """Money was given back by hand."""

    tender: TenderId
    amount: Money
    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class DisputeReported(Event):
    """The customer's bank opened, lost or won a dispute."""

    reference: Reference = field(converter=checked_reference)
    tender: TenderId
    amount: Money
    status: DisputeStatus


@frozen(kw_only=True)
class PaymentUnmatched(Event):
    """A report that fits nothing known waits until it does, or for a person."""

    report: WaitingReport


@frozen(kw_only=True)
class PaymentMatched(Event):
    """A report that waited fits by now; what it says stands in the facts before this one."""

    report: WaitingReport


@frozen
class LotPart:
    """A part of one lot of store value."""

    lot: Key
    amount: Money


@frozen(kw_only=True)
class StoreValueIssued(Event):
    """A lot of store value came in: a gift card was sold, credit granted, points earned."""

    key: Key
    amount: Money
    expires_at: datetime | None = None


@frozen(kw_only=True)
class StoreValueHeld(Event):
    """Parts of lots were set aside for a payment that asked for so much."""

    key: Key
    asked: Money
    parts: tuple[LotPart, ...]


@frozen(kw_only=True)
class StoreValueTaken(Event):
    """A part of what was held is spent."""

    key: Key
    hold: Key
    asked: Money
    parts: tuple[LotPart, ...]


@frozen(kw_only=True)
class StoreValueReleased(Event):
    """What was still held is free again, or the part of it that was asked for."""

    key: Key
    hold: Key
    asked: Money | None = None
    parts: tuple[LotPart, ...]


@frozen(kw_only=True)
class StoreValueReturned(Event):
    """
    What was spent came back.

    What comes from the ``renewed`` lots, which had expired, is a lot of its own until
    ``expires_at``; ``key`` is its name.
    """

    key: Key
    hold: Key
    asked: Money
    parts: tuple[LotPart, ...]
    expires_at: datetime | None = None
    renewed: tuple[Key, ...] = ()


@frozen(kw_only=True)
class StoreValueLapsed(Event):
    """Nobody used these parts in time."""

    parts: tuple[LotPart, ...]


StoreValueFact = (
    StoreValueIssued
    | StoreValueHeld
    | StoreValueTaken
    | StoreValueReleased
    | StoreValueReturned
    | StoreValueLapsed
)
"""Every fact of an account; an order's facts are others."""
