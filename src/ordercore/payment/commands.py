"""
What may be asked about an order's money, and what the outside reports of it.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.facts import Report, Request
from ordercore.ids import Key, Reference, TenderId, id_of
from ordercore.money import Money
from ordercore.payment.answers import LookUpAnswer
from ordercore.payment.model import (
    DisputeStatus,
    Operation,
    Tender,
    checked_reference,
    positive,
    positive_or_none,
)

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


@frozen(kw_only=True)
class AddTender(Request):
    """Pay what is missing in another way."""

    tender: Tender


@frozen(kw_only=True)
class RetryPayment(Request):
    """Try a declined tender again, with another instrument where one is given."""

    tender: TenderId
    instrument: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class CaptureNow(Request):
    """Take authorised money by hand: *amount*, or all that may be taken."""

    amount: Money | None = field(default=None, converter=positive_or_none)


@frozen(kw_only=True)
class VoidAuthorisation(Request):
    """Let the uncaptured rest of a tender's authorisations go."""

    tender: TenderId


@frozen(kw_only=True)
class RecordPayment(Request):
    """Record money that came in without our asking; *reference* makes it count once."""

    tender: TenderId
    amount: Money = field(converter=positive)
    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class RecordRefund(Request):
    """Record money that was given back by hand; *reference* makes it count once."""

    tender: TenderId
    amount: Money = field(converter=positive)
    reference: Reference = field(converter=checked_reference)


_key: Final = id_of(Key, "key")
BY_HAND: Final = Reference("by-hand")
"""The reference of what a person found out without one."""


@unique
class Outcome(StrEnum):
    """What a person found out about an operation."""

    SUCCEEDED = "succeeded"
    NEVER_HAPPENED = "never_happened"


@frozen(kw_only=True)
class ResolveOperation(Request):
    """A person's word on an operation that could not be resolved."""

    key: Key = field(converter=_key)
    outcome: Outcome
    reference: Reference = field(default=BY_HAND, converter=checked_reference)
    amount: Money | None = field(default=None, converter=positive_or_none)


@frozen(kw_only=True)
class ReportAnswer(Report):
    """What the gateway answered to our call or look-up."""

    key: Key = field(converter=_key)
    answer: LookUpAnswer


@frozen(kw_only=True)
class ReportOperation(Report):
    """
    A gateway's own word (a webhook) that an operation happened, found by reference or by key.

    ``amount`` is cumulative: what is known is merged by maximum, so twice changes nothing.
    """

    operation: Operation
    reference: Reference = field(converter=checked_reference)
    amount: Money = field(converter=positive)
    key: Key | None = None


@frozen(kw_only=True)
class ReportFailure(Report):
    """A capture or refund that had succeeded was taken back, found by reference."""

    operation: Operation
    reference: Reference = field(converter=checked_reference)
    reason: str = ""


@frozen(kw_only=True)
class ReportAuthorisationExpired(Report):
    """An authorisation ended without being captured, found by reference."""

    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class ReportCollected(Report):
    """Cash was collected on delivery."""

    tender: TenderId
    amount: Money = field(converter=positive)
    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class ReportDispute(Report):
    """The customer's bank opened, lost or won a dispute."""

    reference: Reference = field(converter=checked_reference)
    tender: TenderId
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
