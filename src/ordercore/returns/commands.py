"""
What may be asked of returns, and what the outside reports about them.
"""

from __future__ import annotations

from fractions import Fraction

from attrs import field, frozen

from ordercore.facts import Report, Request
from ordercore.ids import Actor, LocationId, ReturnId
from ordercore.returns._fields import a, location_id, tuple_of, words
from ordercore.returns._fields import return_id as _return_id
from ordercore.returns.model import (
    Disposition,
    Grade,
    ReturnPurpose,
    ReturnReason,
    ReturnUnits,
    UnmatchedItem,
)

__all__ = [
    "ApproveReturn",
    "CloseReturn",
    "Finding",
    "InspectReturn",
    "LabelReturn",
    "ReceiveReturn",
    "ReceiveUnmatchedReturn",
    "RejectReturn",
    "ReportReturnMoved",
    "RequestReturn",
    "ReturnWish",
    "ReturnsReport",
    "ReturnsRequest",
]


@frozen(kw_only=True)
class ReturnWish:
    """Units that somebody wants to give back, and why."""

    units: ReturnUnits = field(validator=a(ReturnUnits))
    reason: ReturnReason = field(default=ReturnReason.OTHER, validator=a(ReturnReason))
    note: str = field(default="", repr=False, validator=words)
    opened: bool = field(default=False, validator=a(bool))
    """Whether the seal is broken; some goods cannot come back then."""


@frozen(kw_only=True)
class RequestReturn(Request):
    """
    Announce goods that come back.

    ``granted_by`` names who lets an exception from the policy pass (RULES R-3). Without
    ``expects_goods`` it is a claim that is settled with nothing coming back (RULES R-5).
    """

    return_id: ReturnId = field(converter=_return_id)
    items: tuple[ReturnWish, ...] = field(validator=tuple_of(ReturnWish))
    purpose: ReturnPurpose = field(default=ReturnPurpose.RETURN, validator=a(ReturnPurpose))
    expects_goods: bool = field(default=True, validator=a(bool))
    granted_by: Actor | None = field(default=None, validator=a(str, optional=True))
    grant_reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class ApproveReturn(Request):
    """Agree to a requested return."""

    return_id: ReturnId = field(converter=_return_id)


@frozen(kw_only=True)
class RejectReturn(Request):
    """Refuse a requested return."""

    return_id: ReturnId = field(converter=_return_id)
    reason: str = field(validator=words)


@frozen(kw_only=True)
class LabelReturn(Request):
    """Give the customer a label for the way back."""

    return_id: ReturnId = field(converter=_return_id)
    carrier: str = field(default="", validator=words)
    tracking_number: str | None = field(default=None, validator=a(str, optional=True))
    label: str = field(default="", validator=words)


@frozen(kw_only=True)
class ReceiveReturn(Request):
    """Record goods that came back, announced or not (a refused parcel, a blind return)."""

    return_id: ReturnId = field(converter=_return_id)
    items: tuple[ReturnUnits, ...] = field(validator=tuple_of(ReturnUnits))
    location: LocationId = field(converter=location_id)
    reason: ReturnReason = field(default=ReturnReason.OTHER, validator=a(ReturnReason))


@frozen(kw_only=True)
class Finding:
    """
    What an inspection found about some units.

    What is not said follows from the grade, by the policy.
    """

    units: ReturnUnits = field(validator=a(ReturnUnits))
    grade: Grade = field(validator=a(Grade))
    disposition: Disposition | None = field(default=None, validator=a(Disposition, optional=True))
    accepted: bool | None = field(default=None, validator=a(bool, optional=True))
    deduction: Fraction | None = field(default=None, validator=a(Fraction, optional=True))


@frozen(kw_only=True)
class InspectReturn(Request):
    """Grade units; again, when more is found later."""

    return_id: ReturnId = field(converter=_return_id)
    results: tuple[Finding, ...] = field(validator=tuple_of(Finding))


@frozen(kw_only=True)
class CloseReturn(Request):
    """End a return; announced goods that have not come are awaited no longer."""

    return_id: ReturnId = field(converter=_return_id)
    reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class ReceiveUnmatchedReturn(Request):
    """Record goods that came back and match no purchase (RULES R-6)."""

    items: tuple[UnmatchedItem, ...] = field(validator=tuple_of(UnmatchedItem))
    location: LocationId = field(converter=location_id)
    note: str = field(default="", repr=False, validator=words)


@frozen(kw_only=True)
class ReportReturnMoved(Report):
    """A carrier has the goods on their way back."""

    return_id: ReturnId = field(converter=_return_id)
    raw: str = field(default="", validator=words)


ReturnsRequest = (
    RequestReturn
    | ApproveReturn
    | RejectReturn
    | LabelReturn
    | ReceiveReturn
    | InspectReturn
    | CloseReturn
)
"""Every request about an order's returns."""
ReturnsReport = ReportReturnMoved
"""Every report that this room absorbs."""
