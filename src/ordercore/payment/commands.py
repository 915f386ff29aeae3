"""
What may be asked about an order's money, and what the outside reports of it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.facts import Report, Request
from ordercore.ids import Key, Reference, TenderId
from ordercore.money import Money
from ordercore.payment._fields import (
    checked_reference,
    instant,
    instrument,
    key_id,
    optional_key,
    optional_reference,
    optional_tender,
    positive,
    positive_or_none,
    tender_id,
    words,
)
from ordercore.payment.answers import LookUpAnswer
from ordercore.payment.model import DisputeStatus, Operation, Tender

__all__ = [
    "AddTender",
    "CaptureNow",
    "Outcome",
    "PaymentReport",
    "PaymentRequest",
    "RecordPayment",
    "RecordRefund",
    "ReportAnswer",
    "ReportAuthorisationExpired",
    "ReportCollected",
    "ReportDispute",
    "ReportFailure",
    "ReportOperation",
    "ResolveOperation",
    "RetryPayment",
    "VoidAuthorisation",
]


def _instrument(value: str | None) -> str | None:
    return None if value is None else instrument(value)


@frozen(kw_only=True)
class AddTender(Request):
    """Pay what is missing in another way."""

    tender: Tender


@frozen(kw_only=True)
class RetryPayment(Request):
    """Try a declined tender again, with another instrument where one is given."""

    tender: TenderId = field(converter=tender_id)
    instrument: str | None = field(default=None, repr=False, converter=_instrument)


@frozen(kw_only=True)
class CaptureNow(Request):
    """Take authorised money by hand: *amount*, or all that may be taken."""

    amount: Money | None = field(default=None, converter=positive_or_none)


@frozen(kw_only=True)
class VoidAuthorisation(Request):
    """
    Let the uncaptured rest of a tender's authorisations go.

    The tender is not authorised again before `RetryPayment`; another tender takes over.
    """

    tender: TenderId = field(converter=tender_id)


@frozen(kw_only=True)
class RecordPayment(Request):
    """Record money that came in without our asking; *reference* makes it count once."""

    tender: TenderId = field(converter=tender_id)
    amount: Money = field(converter=positive)
    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class RecordRefund(Request):
    """Record money that was given back by hand; *reference* makes it count once."""

    tender: TenderId = field(converter=tender_id)
    amount: Money = field(converter=positive)
    reference: Reference = field(converter=checked_reference)


BY_HAND: Final = Reference("by-hand")
"""The reference of what a person found out without one."""


@unique
class Outcome(StrEnum):
    """What a person found out about an operation."""

    SUCCEEDED = "succeeded"
    NEVER_HAPPENED = "never_happened"


@frozen(kw_only=True)
class ResolveOperation(Request):
    """
    A person's word on an operation that could not be resolved.

    ``expires_at`` is until when an authorisation stands, as the gateway shows it. Without it the
    order counts the lifetime that the gateway declares from when it was asked for: the earliest
    that may be, so it can be over here, and taken anew, while the gateway still sets it aside.
    """

    key: Key = field(converter=key_id)
    outcome: Outcome
    reference: Reference = field(default=BY_HAND, converter=checked_reference)
    amount: Money | None = field(default=None, converter=positive_or_none)
    expires_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class ReportAnswer(Report):
    """What the gateway answered to our call or look-up; ``at`` is when it did."""

    key: Key = field(converter=key_id)
    answer: LookUpAnswer


@frozen(kw_only=True)
class ReportOperation(Report):
    """
    A gateway's own word (a webhook) that an operation happened, found by reference or by key.

    ``amount`` is cumulative: what is known is merged by maximum, so twice changes nothing. Each
    capture and refund has a reference of its own; an adapter whose gateway has one for several
    names the ``key``, and what was moved under it. A void that nobody here asked for ends the
    authorisation that it names.
    """

    operation: Operation
    reference: Reference = field(converter=checked_reference)
    amount: Money = field(converter=positive)
    key: Key | None = field(default=None, converter=optional_key)
    expires_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class ReportFailure(Report):
    """A capture or refund that had succeeded was taken back, found by reference."""

    operation: Operation
    reference: Reference = field(converter=checked_reference)
    reason: str = field(default="", converter=words)


@frozen(kw_only=True)
class ReportAuthorisationExpired(Report):
    """An authorisation ended without being captured, found by reference."""

    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class ReportCollected(Report):
    """Money came in outside: collected on delivery, or a transfer arrived (RULES PAY-7)."""

    tender: TenderId = field(converter=tender_id)
    amount: Money = field(converter=positive)
    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class ReportDispute(Report):
    """
    The customer's bank opened, lost or won a dispute.

    Whose money it is follows from the ``tender``, or from the reference of the ``capture``.
    """

    reference: Reference = field(converter=checked_reference)
    tender: TenderId | None = field(default=None, converter=optional_tender)
    capture: Reference | None = field(default=None, converter=optional_reference)
    amount: Money = field(converter=positive)
    status: DisputeStatus


PaymentRequest = (
    AddTender
    | RetryPayment
    | CaptureNow
    | VoidAuthorisation
    | RecordPayment
    | RecordRefund
    | ResolveOperation
)
"""Every request that this room decides about."""

PaymentReport = (
    ReportAnswer
    | ReportOperation
    | ReportFailure
    | ReportAuthorisationExpired
    | ReportCollected
    | ReportDispute
)
"""Every report that this room absorbs."""
