"""
What has happened to an order as a whole; the rooms' own events stand beside these on its stream.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from ordercore.facts import Event, Numbered
from ordercore.ids import Actor, HoldKind, LineId, OrderId
from ordercore.order.groups import DeliveryGroup
from ordercore.order.link import Link
from ordercore.order.party import BuyerReferences, Destination, PartyRef
from ordercore.order.terms import Blocks, ReleaseOn, Terms
from ordercore.payment.model import Tender
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import ChargeCredit, Credit, PriceReduction

__all__ = [
    "AmendmentConfirmed",
    "AmendmentDeclined",
    "AmendmentProposed",
    "AmendmentUndone",
    "CreditGranted",
    "DestinationChanged",
    "GroupsChanged",
    "HoldPlaced",
    "HoldReleased",
    "LinesAdded",
    "NoteAdded",
    "OrderCompleted",
    "OrderConfirmed",
    "OrderExpired",
    "OrderLinked",
    "OrderPlaced",
    "ReferenceAdded",
    "StageChanged",
    "TagsChanged",
    "TermsAmended",
    "UnitsCancelled",
]


@frozen(kw_only=True)
class OrderPlaced(Numbered):
    """A priced order was accepted; ``series`` gives it its number in the same commit."""

    order: OrderId
    priced: PricedOrder
    terms: Terms
    tenders: tuple[Tender, ...] = ()
    customer: PartyRef | None = None
    destination: Destination | None = None
    channel: str = ""
    origin: str = ""
    groups: tuple[DeliveryGroup, ...] = ()
    buyer: BuyerReferences | None = None
    made_from: Link | None = None
    """The order that this one is a part of, or that it exchanges goods of."""


@frozen(kw_only=True)
class OrderLinked(Event):
    """Another order was made from this one, in the same commit (RULES O-7, R-5)."""

    link: Link


@frozen(kw_only=True)
class OrderConfirmed(Event):
    """Payment and stock are as the terms want them: the shop is bound."""


@frozen(kw_only=True)
class OrderExpired(Event):
    """The deadline passed before confirmation; ``credit`` takes the debt away."""

    credit: Credit


@frozen(kw_only=True)
class OrderCompleted(Event):
    """Nothing is owed by anyone any more."""


@frozen(kw_only=True)
class UnitsCancelled(Event):
    """These slots will not be delivered and are not owed for (RULES O-5, RF-1)."""

    items: tuple[tuple[LineId, SlotSet], ...]
    credit: Credit
    reason: str = ""


@frozen(kw_only=True)
class CreditGranted(Event):
    """The debt was lowered: a return, a claim, a price reduction or goodwill (RULES RF-1)."""

    credit: Credit


@frozen(kw_only=True)
class HoldPlaced(Event):
    """Somebody stopped some of the work; several holds may stand at once (RULES O-3)."""

    kind: HoldKind
    blocks: tuple[Blocks, ...]
    reason: str = ""
    release_at: datetime | None = None
    release_on: ReleaseOn | None = None


@frozen(kw_only=True)
class HoldReleased(Event):
    """A hold ended, by a person or by its own time."""

    kind: HoldKind
    reason: str = ""


@frozen(kw_only=True)
class StageChanged(Event):
    """The host's own step inside the core status."""

    stage: str


@frozen(kw_only=True)
class TermsAmended(Event):
    """The terms of this order were changed on purpose."""

    terms: Terms
    reason: str = ""


@frozen(kw_only=True)
class LinesAdded(Event):
    """New blocks of slots, priced on their own, joined the order (RULES M-7, O-4)."""

    addition: PricedOrder


@frozen(kw_only=True)
class AmendmentProposed(Event):
    """A change waits for a yes or a no: what would be added and what would be cancelled."""

    proposal: str
    addition: PricedOrder | None = None
    removals: tuple[tuple[LineId, SlotSet], ...] = ()
    reason: str = ""
    by: Actor | None = None
    destination: Destination | None = None
    reductions: tuple[PriceReduction, ...] = ()
    charges: tuple[ChargeCredit, ...] = ()
    before: Destination | None = None
    """Where the goods were to go when it was proposed."""


@frozen(kw_only=True)
class AmendmentConfirmed(Event):
    """The proposal was accepted; its effects are facts of the same commit."""

    proposal: str


@frozen(kw_only=True)
class AmendmentDeclined(Event):
    """The proposal was turned down or withdrawn."""

    proposal: str
    reason: str = ""


@frozen(kw_only=True)
class AmendmentUndone(Event):
    """What the proposal did was taken back; the effects are facts of the same commit."""

    proposal: str
    reason: str = ""


@frozen(kw_only=True)
class DestinationChanged(Event):
    """The goods go elsewhere, or the customer's data have a new version."""

    destination: Destination | None = None
    customer: PartyRef | None = None


@frozen(kw_only=True)
class GroupsChanged(Event):
    """The units go elsewhere, or in another manner: these are all delivery groups from now on."""

    groups: tuple[DeliveryGroup, ...]


@frozen(kw_only=True)
class NoteAdded(Event):
    """Somebody wrote a note; plausible card numbers in it are masked (RULES PAY-8)."""

    text: str


@frozen(kw_only=True)
class TagsChanged(Event):
    """Labels were put on or taken off."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@frozen(kw_only=True)
class ReferenceAdded(Event):
    """What another system calls this order."""

    system: str
    value: str
