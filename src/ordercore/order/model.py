"""
The order as it stands: what the facts, folded, make true now.

Rooms keep their own sub-state (`stock`, `payment`, `fulfilment`, `returns`); this value holds them
together. ``version`` counts the facts. The derived statuses and the balance are functions
(`status`, `quote`), never stored labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TypeVar, cast

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.fulfilment.model import FulfilmentState
from ordercore.ids import DocumentNumber, HoldKind, LineId, OrderId, StreamId
from ordercore.inventory.model import StockState
from ordercore.invoice.model import Document
from ordercore.money import Money
from ordercore.order.events import AmendmentProposed
from ordercore.order.groups import DeliveryGroup
from ordercore.order.link import Link
from ordercore.order.party import BuyerReferences, Destination, PartyRef
from ordercore.order.terms import Blocks, ReleaseOn, Stage, Terms
from ordercore.payment.state import PaymentState
from ordercore.pricing.model import PricedLine, PricedOrder
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.model import Credit
from ordercore.returns.model import ReturnsState

__all__ = ["Hold", "NotAnOrderError", "Order", "UnitTotals", "checked_order"]

_T = TypeVar("_T")


@define
class NotAnOrderError(InvalidValueError):
    """What was given as an order is none."""

    sentence = "A {given} is no Order; pass receipt.order, or what service.load answers."
    given: str


@frozen(kw_only=True)
class UnitTotals:
    """Units of all lines, kept while facts come in, so that a status costs no walk over lines."""

    ordered: int = 0
    cancelled: int = 0
    to_fulfil: int = 0
    cancelled_to_fulfil: int = 0


@frozen(kw_only=True)
class Hold:
    """Something that stops some of the work (RULES O-3)."""

    kind: HoldKind
    blocks: tuple[Blocks, ...]
    reason: str = ""
    release_at: datetime | None = None
    release_on: ReleaseOn | None = None


@frozen(kw_only=True)
class Order:
    """One order, whole; made by `evolve` only."""

    id: OrderId
    version: int
    number: DocumentNumber | None
    placed_at: datetime
    priced: PricedOrder
    terms: Terms
    customer: PartyRef | None = None
    destination: Destination | None = None
    channel: str = ""
    origin: str = ""
    buyer: BuyerReferences | None = None
    stock: StockState = field(factory=StockState)
    payment: PaymentState = field(factory=PaymentState)
    fulfilment: FulfilmentState = field(factory=FulfilmentState)
    returns: ReturnsState = field(factory=ReturnsState)
    cancelled: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    units: UnitTotals = field(factory=UnitTotals)
    credits: tuple[Credit, ...] = ()
    documents: tuple[Document, ...] = ()
    holds: tuple[Hold, ...] = ()
    proposals: tuple[AmendmentProposed, ...] = ()
    amendments: tuple[AmendmentProposed, ...] = ()
    """The proposals that were confirmed and not undone."""
    stage: str = ""
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    groups: tuple[DeliveryGroup, ...] = ()
    """Delivery groups; units that none of them names go to the order's own destination."""
    made_from: Link | None = None
    links: tuple[Link, ...] = ()
    """The orders that were made from this one."""
    confirmed_at: datetime | None = None
    expired_at: datetime | None = None
    completed_at: datetime | None = None
    dispatched_value: Money
    """What the dispatched slots were worth when they left: goods, taxes and their charges."""

    @cached_property
    def _known(self) -> dict[object, object]:
        return {}

    def once(self, question: Callable[[Order], _T]) -> _T:
        """What a pure function says of the order, asked once: orders never change."""
        known = self._known
        if question not in known:
            known[question] = question(self)
        return cast("_T", known[question])

    @property
    def stream(self) -> StreamId:
        """The order's list of facts; also the owner of its stock."""
        return StreamId(self.id)

    def cancelled_slots(self, line: LineId) -> SlotSet:
        """The slots of *line* that are cancelled, short-closed or expired."""
        return self.cancelled.get(line, NO_SLOTS)

    def open_slots(self, line: PricedLine) -> SlotSet:
        """The slots of *line* that are neither cancelled nor dispatched."""
        closed = self.cancelled_slots(line.id) | self.fulfilment.dispatched.get(line.id, NO_SLOTS)
        return SlotSet.of(0, line.quantity) - closed

    def remaining(self, line: PricedLine) -> int:
        """How many units of *line* are not cancelled."""
        return line.quantity - len(self.cancelled_slots(line.id))

    def fulfilment_lines(self) -> Iterator[PricedLine]:
        """The lines that have to be sent or handed over."""
        return (line for line in self.priced.lines if line.needs_fulfilment)

    def is_blocked(self, what: Blocks) -> bool:
        """Whether some hold stops *what*."""
        return any(what in hold.blocks for hold in self.holds)

    @property
    def current_stage(self) -> Stage | None:
        """The host's stage the order is in."""
        return self.terms.stages.find(self.stage) if self.stage else None


def checked_order(order: Order) -> Order:
    """
    The order itself.

    Raises:
        NotAnOrderError: It is something else: a receipt, an id, nothing.
    """
    if type(order) is not Order:
        raise NotAnOrderError(type(order).__name__)
    return order
