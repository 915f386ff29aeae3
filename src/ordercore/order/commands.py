"""
What somebody wants of an order as a whole. The rooms' own commands go to the order as well.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from attrs import field, frozen

from ordercore.facts import Request
from ordercore.ids import (
    LONGEST_ORDER_ID,
    DocumentNumber,
    HoldKind,
    LineId,
    OrderId,
    ReturnId,
    StreamId,
    checked_id,
)
from ordercore.moment import utc
from ordercore.order._limits import MOST_NAMES, at_most, free_text, named_units
from ordercore.order.groups import DeliveryGroup
from ordercore.order.party import BuyerReferences, Destination, Party, PartyRef
from ordercore.order.refusals import InvalidHoldError
from ordercore.order.terms import Blocks, ReleaseOn, Terms
from ordercore.payment.cards import reference_without_card
from ordercore.payment.decide import MAX_TENDERS
from ordercore.payment.model import Tender
from ordercore.pricing.model import PricedOrder
from ordercore.refund.model import ChargeCredit, PriceReduction, RefundQuote

__all__ = [
    "AddNote",
    "AddReference",
    "AmendTerms",
    "Cancel",
    "CancelUnits",
    "ChangeDestination",
    "ChangeGroups",
    "ChangeTags",
    "Complete",
    "Confirm",
    "ConfirmAmendment",
    "DeclineAmendment",
    "ExchangeGoods",
    "IssueInvoice",
    "MoveToStage",
    "Place",
    "PlaceHold",
    "ProposeAmendment",
    "Refund",
    "ReleaseHold",
    "SplitOrder",
    "UndoAmendment",
]


def _order_id(value: OrderId) -> OrderId:
    """The id of an order to be: as short as the ids that will be made of it need it to be."""
    return OrderId(checked_id(value, "order id", longest=LONGEST_ORDER_ID))


def _number(value: DocumentNumber | None) -> DocumentNumber | None:
    if value is None:
        return None
    return DocumentNumber(reference_without_card(checked_id(value, "order number", longest=100)))


def _hold_kind(value: HoldKind) -> HoldKind:
    return HoldKind(checked_id(value, "hold kind"))


def _stream_id(value: StreamId | None) -> StreamId | None:
    return None if value is None else StreamId(checked_id(value, "hold"))


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _blocks(_: object, __: object, value: object) -> None:
    parts = cast("tuple[object, ...]", value) if type(value) is tuple else ()
    if not parts or not all(type(part) is Blocks for part in parts):
        raise InvalidHoldError(", ".join(f"Blocks.{one.name}" for one in Blocks))


@frozen(kw_only=True)
class Place(Request):
    """Turn a priced order into an order. The only command that has no order yet."""

    order: OrderId = field(converter=_order_id)
    """At most 150 characters: ids of its work and credits are made of it."""
    priced: PricedOrder
    terms: Terms = field(factory=Terms)
    tenders: tuple[Tender, ...] = field(default=(), validator=at_most(MAX_TENDERS))
    customer: PartyRef | None = None
    destination: Destination | None = None
    channel: str = field(default="", converter=free_text)
    origin: str = field(default="", converter=free_text)
    """Where it comes from, such as a device, a campaign or a point of sale."""
    buyer: BuyerReferences | None = None
    number: DocumentNumber | None = field(default=None, converter=_number)
    """The host's own, which no other order has; none: the next of the series of the terms."""
    references: tuple[tuple[str, str], ...] = field(default=(), validator=at_most(MOST_NAMES))
    """What other systems call it: (system, value); each pair can be claimed once only."""
    groups: tuple[DeliveryGroup, ...] = field(default=(), validator=at_most(MOST_NAMES))
    """Units that go to different places or in different manners (RULES O-8)."""
    coupons: tuple[str, ...] = field(default=(), validator=at_most(MOST_NAMES))
    """Single-use codes: each can be claimed once only."""
    parties: tuple[Party, ...] = field(default=(), validator=at_most(MOST_NAMES))
    """Personal data that the same commit stores apart from the facts."""
    hold: StreamId | None = field(default=None, converter=_stream_id)
    """The cart's hold that the order takes over in the same commit (RULES I-4)."""


@frozen(kw_only=True)
class Confirm(Request):
    """Confirm by hand what the terms would not confirm by themselves."""


@frozen(kw_only=True)
class Cancel(Request):
    """
    Cancel all that is still open.

    What a location works on already is only asked for: it answers with ``AcceptCancel`` or
    ``RefuseCancel``. By default work is released with the confirmation
    (``Terms.release_automatically``).
    """

    reason: str = field(default="", converter=free_text)


@frozen(kw_only=True)
class CancelUnits(Request):
    """Cancel so many open units of these lines; the highest open slots go first."""

    units: tuple[tuple[LineId, int], ...] = field(validator=named_units)
    reason: str = field(default="", converter=free_text)


@frozen(kw_only=True)
class Refund(Request):
    """Grant exactly what was quoted; a quote that the facts have overtaken is refused."""

    quote: RefundQuote


@frozen(kw_only=True)
class PlaceHold(Request):
    """
    Stop some of the work, until released, until a time or until a fact.

    Several stand at once; one of the same kind is replaced.
    """

    kind: HoldKind = field(converter=_hold_kind)
    blocks: tuple[Blocks, ...] = field(validator=_blocks)
    reason: str = field(default="", converter=free_text)
    release_at: datetime | None = field(default=None, converter=_instant)
    release_on: ReleaseOn | None = None


@frozen(kw_only=True)
class ReleaseHold(Request):
    """End a hold."""

    kind: HoldKind = field(converter=_hold_kind)
    reason: str = field(default="", converter=free_text)


@frozen(kw_only=True)
class MoveToStage(Request):
    """Enter one of the host's own stages; an empty name leaves the present one."""

    stage: str


@frozen(kw_only=True)
class AmendTerms(Request):
    """Change the terms of this order on purpose."""

    terms: Terms
    reason: str = field(default="", converter=free_text)


@frozen(kw_only=True)
class ProposeAmendment(Request):
    """
    Offer a change; nothing of the order changes before it is confirmed (RULES O-4).

    Args:
        addition: New lines, priced on their own; one that ``extends`` a line is more of it, or,
            with the removal of the open units, another price for them.
        removals: Units to take away; the highest open slots go first.
        destination: Where the goods shall go instead.
        reductions: A discount on units that stay.
        charges: Shipping or another charge, given back wholly or in part.
    """

    proposal: str
    addition: PricedOrder | None = None
    removals: tuple[tuple[LineId, int], ...] = field(default=(), validator=named_units)
    reason: str = field(default="", converter=free_text)
    destination: Destination | None = None
    reductions: tuple[PriceReduction, ...] = ()
    charges: tuple[ChargeCredit, ...] = ()


@frozen(kw_only=True)
class ConfirmAmendment(Request):
    """Say yes to a proposal."""

    proposal: str


@frozen(kw_only=True)
class DeclineAmendment(Request):
    """Say no to a proposal, or withdraw it."""

    proposal: str
    reason: str = field(default="", converter=free_text)


@frozen(kw_only=True)
class UndoAmendment(Request):
    """Take back what a confirmed proposal did, as long as nothing of it was sent or given up."""

    proposal: str
    reason: str = field(default="", converter=free_text)


@frozen(kw_only=True)
class ChangeDestination(Request):
    """Send the goods elsewhere, or point to a new version of the customer's data."""

    destination: Destination | None = None
    customer: PartyRef | None = None
    parties: tuple[Party, ...] = field(default=(), validator=at_most(MOST_NAMES))


@frozen(kw_only=True)
class ChangeGroups(Request):
    """Divide the units anew into delivery groups; those that a location works on stay."""

    groups: tuple[DeliveryGroup, ...]
    parties: tuple[Party, ...] = field(default=(), validator=at_most(MOST_NAMES))


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

    add: tuple[str, ...] = field(default=(), validator=at_most(MOST_NAMES))
    remove: tuple[str, ...] = field(default=(), validator=at_most(MOST_NAMES))


@frozen(kw_only=True)
class AddReference(Request):
    """Record what another system calls this order; the pair can be claimed once only."""

    system: str
    value: str


@frozen(kw_only=True)
class SplitOrder(Request):
    """
    Move open units into a new order, with all that they cost (RULES O-7).

    Args:
        order: The id of the new order.
        units: How many units of which lines move; the highest open slots go first.
        tenders: What pays for the part of it that no held money moves along for.
        terms: Those of the new order; by default those of this one.
    """

    order: OrderId = field(converter=_order_id)
    units: tuple[tuple[LineId, int], ...] = field(validator=named_units)
    tenders: tuple[Tender, ...] = field(default=(), validator=at_most(MAX_TENDERS))
    terms: Terms | None = None
    customer: PartyRef | None = None
    destination: Destination | None = None
    channel: str = field(default="", converter=free_text)
    reason: str = field(default="", converter=free_text)


@frozen(kw_only=True)
class ExchangeGoods(Request):
    """
    Send other goods for goods that come back: a new order, paid with their credit (RULES R-5).

    Args:
        order: The id of the new order.
        priced: The goods that go out.
        quote: The credit for the goods that come back, as it was quoted. A credit for a claim
            needs no goods back; the new order is then a replacement.
        return_id: The return that the goods come back with; its purpose is an exchange.
        tenders: What pays the difference; where the credit is higher, the rest is given back.
        terms: Those of the new order; by default those of this one.
    """

    order: OrderId = field(converter=_order_id)
    priced: PricedOrder
    quote: RefundQuote
    return_id: ReturnId | None = None
    tenders: tuple[Tender, ...] = field(default=(), validator=at_most(MAX_TENDERS))
    terms: Terms | None = None
    customer: PartyRef | None = None
    destination: Destination | None = None
    reason: str = field(default="", converter=free_text)
