"""
What somebody wants of an order as a whole. The rooms' own commands go to the order as well.
"""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from ordercore.facts import Request
from ordercore.ids import HoldKind, LineId, OrderId, checked_id
from ordercore.moment import utc
from ordercore.order.party import Destination, Party, PartyRef
from ordercore.order.terms import Blocks, Terms
from ordercore.payment.model import Tender
from ordercore.pricing.model import PricedOrder
from ordercore.refund.model import RefundQuote

__all__ = [
    "AddNote",
    "AddReference",
    "AmendTerms",
    "Cancel",
    "CancelUnits",
    "ChangeDestination",
    "ChangeTags",
    "Complete",
    "Confirm",
    "ConfirmAmendment",
    "DeclineAmendment",
    "IssueInvoice",
    "MoveToStage",
    "Place",
    "PlaceHold",
    "ProposeAmendment",
    "Refund",
    "ReleaseHold",
]


def _order_id(value: OrderId) -> OrderId:
    return OrderId(checked_id(value, "order id"))


def _hold_kind(value: HoldKind) -> HoldKind:
    return HoldKind(checked_id(value, "hold kind"))


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


@frozen(kw_only=True)
class Place(Request):
    """Turn a priced order into an order. The only command that has no order yet."""

    order: OrderId = field(converter=_order_id)
    priced: PricedOrder
    terms: Terms = field(factory=Terms)
    tenders: tuple[Tender, ...] = ()
    customer: PartyRef | None = None
    destination: Destination | None = None
    channel: str = ""
    origin: str = ""
    references: tuple[tuple[str, str], ...] = ()
    """What other systems call it: (system, value); each pair can be claimed once only."""
    coupons: tuple[str, ...] = ()
    """Single-use codes: each can be claimed once only."""
    parties: tuple[Party, ...] = ()
    """Personal data that the same commit stores apart from the facts."""


@frozen(kw_only=True)
class Confirm(Request):
    """Confirm by hand what the terms would not confirm by themselves."""


@frozen(kw_only=True)
class Cancel(Request):
    """Cancel all that is still open."""

    reason: str = ""


@frozen(kw_only=True)
class CancelUnits(Request):
    """Cancel so many open units of these lines; the highest open slots go first."""

    units: tuple[tuple[LineId, int], ...]
    reason: str = ""


@frozen(kw_only=True)
class Refund(Request):
    """Grant exactly what was quoted; a quote that the facts have overtaken is refused."""

    quote: RefundQuote


@frozen(kw_only=True)
class PlaceHold(Request):
    """Stop some of the work, until released or until a time; replaces a hold of its kind."""

    kind: HoldKind = field(converter=_hold_kind)
    blocks: tuple[Blocks, ...]
    reason: str = ""
    release_at: datetime | None = field(default=None, converter=_instant)


@frozen(kw_only=True)
class ReleaseHold(Request):
    """End a hold."""

    kind: HoldKind = field(converter=_hold_kind)
    reason: str = ""


@frozen(kw_only=True)
class MoveToStage(Request):
    """Enter one of the host's own stages."""

    stage: str


@frozen(kw_only=True)
class AmendTerms(Request):
    """Change the terms of this order on purpose."""

    terms: Terms
    reason: str = ""


@frozen(kw_only=True)
class ProposeAmendment(Request):
    """Offer a change: lines to add (priced), units to take away."""

    proposal: str
    addition: PricedOrder | None = None
    removals: tuple[tuple[LineId, int], ...] = ()
    reason: str = ""


@frozen(kw_only=True)
class ConfirmAmendment(Request):
    """Say yes to a proposal."""

    proposal: str


@frozen(kw_only=True)
class DeclineAmendment(Request):
    """Say no to a proposal, or withdraw it."""

    proposal: str
    reason: str = ""


@frozen(kw_only=True)
class ChangeDestination(Request):
    """Send the goods elsewhere, or point to a new version of the customer's data."""

    destination: Destination | None = None
    customer: PartyRef | None = None
    parties: tuple[Party, ...] = ()


@frozen(kw_only=True)
class IssueInvoice(Request):
    """Invoice what was dispatched (or, before that, everything) and is not yet invoiced."""


@frozen(kw_only=True)
class Complete(Request):
    """Close the headline: nothing is owed by anyone any more."""


@frozen(kw_only=True)
class AddNote(Request):
    """Write a note on the timeline."""

    text: str


@frozen(kw_only=True)
class ChangeTags(Request):
    """Put labels on or take them off."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@frozen(kw_only=True)
class AddReference(Request):
    """Record what another system calls this order; the pair can be claimed once only."""

    system: str
    value: str
