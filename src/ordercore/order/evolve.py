"""
What is true after a fact: `evolve` and `replay`, total and reading nothing but the facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar, cast

from attrs import define
from attrs import evolve as changed

from ordercore.errors import BrokenContractError
from ordercore.facts import Event
from ordercore.fulfilment.decide import evolve_fulfilment
from ordercore.fulfilment.events import DigitalDelivered, ShipmentDispatched
from ordercore.ids import LineId
from ordercore.inventory.decide import evolve_stock
from ordercore.invoice.events import DocumentIssued
from ordercore.money import Money, sum_money
from ordercore.order import events as ev
from ordercore.order.model import Hold, Order, UnitTotals
from ordercore.payment.events import OperationIntended, OperationSucceeded
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.state import PaymentState
from ordercore.pricing.figures import slot_value
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns.decide import evolve_returns

__all__ = ["ImpossibleHistoryError", "evolve", "replay"]

_E = TypeVar("_E", bound=Event)


@define
class ImpossibleHistoryError(BrokenContractError):
    """Facts that cannot stand in this order: the stream is broken."""

    sentence = "The facts contradict at version {version}: {problem}."
    version: int
    problem: str


def replay(events: Iterable[Event], start: Order | None = None) -> Order:
    """
    Fold *events* onto *start*; invariants are checked after each.

    Raises:
        ImpossibleHistoryError: There is no first fact, a second one, a fact twice that can be
            true once, an answer to a payment that was not intended, or units that cannot be.

    Source:
        RULES O-10.
    """
    order = start
    once = _Once()
    for event in events:
        if order is not None:
            once.check(order, event)
        order = evolve(order, event)
        _check(order)
    if order is None:
        raise ImpossibleHistoryError(0, "there are no facts")
    return order


@define
class _Once:
    """Names that one order gives once only; gathered when the first of them is looked for."""

    credits: set[str] | None = None
    numbers: set[tuple[str, str]] | None = None

    def check(self, order: Order, event: Event) -> None:
        """Refuse a fact that cannot follow those of *order*."""
        problem = ""
        match event:
            case ev.OrderConfirmed() if order.confirmed_at is not None:
                problem = "the order was confirmed twice"
            case ev.UnitsCancelled() | ev.OrderExpired() | ev.CreditGranted():
                problem = self._credit(order, event.credit.id)
            case DocumentIssued(number=str(number)):
                problem = self._number(order, (event.document.kind, number))
            case OperationIntended(intent=intent) if intent.key in order.payment.operations:
                problem = "a payment was intended twice"
            case OperationSucceeded(key=key) if key not in order.payment.operations:
                problem = "a payment succeeded that was not intended"
            case _:
                pass
        if problem:
            raise ImpossibleHistoryError(order.version + 1, problem)

    def _credit(self, order: Order, name: str) -> str:
        if self.credits is None:
            self.credits = {credit.id for credit in order.credits}
        if name in self.credits:
            return "two credits have one id"
        self.credits.add(name)
        return ""

    def _number(self, order: Order, name: tuple[str, str]) -> str:
        if self.numbers is None:
            known = order.documents
            self.numbers = {(one.kind, one.number) for one in known if one.number}
        if name in self.numbers:
            return "two documents have one number"
        self.numbers.add(name)
        return ""


def evolve(order: Order | None, event: Event) -> Order:
    """The order after one more fact."""
    if isinstance(event, ev.OrderPlaced):
        if order is not None:
            raise ImpossibleHistoryError(order.version + 1, "the order was placed twice")
        return _placed(event)
    if order is None:
        raise ImpossibleHistoryError(1, "the first fact is not the placement")
    after = changed(
        order,
        version=order.version + 1,
        stock=evolve_stock(order.stock, event),
        payment=evolve_payment(order.payment, event),
        fulfilment=evolve_fulfilment(order.fulfilment, event),
        returns=evolve_returns(order.returns, event),
    )
    fold = _FOLDS.get(type(event))
    return after if fold is None else fold(after, event)


def _placed(event: ev.OrderPlaced) -> Order:
    return Order(
        id=event.order,
        version=1,
        number=event.number,
        placed_at=event.at,
        priced=event.priced,
        terms=event.terms,
        customer=event.customer,
        destination=event.destination,
        channel=event.channel,
        origin=event.origin,
        buyer=event.buyer,
        made_from=event.made_from,
        groups=event.groups,
        payment=PaymentState(tenders=event.tenders),
        units=_added(UnitTotals(), event.priced),
        dispatched_value=Money.zero(event.priced.currency),
    )


def _added(units: UnitTotals, priced: PricedOrder) -> UnitTotals:
    to_fulfil = sum(line.quantity for line in priced.lines if line.needs_fulfilment)
    return changed(
        units,
        ordered=units.ordered + sum(line.quantity for line in priced.lines),
        to_fulfil=units.to_fulfil + to_fulfil,
    )


def _check(order: Order) -> None:
    units, totals = order.units, order.fulfilment.totals
    if units.cancelled > units.ordered:
        raise ImpossibleHistoryError(order.version, "more units are cancelled than ordered")
    if totals.dispatched > units.to_fulfil - units.cancelled_to_fulfil:
        raise ImpossibleHistoryError(order.version, "more units are dispatched than ordered")
    if totals.ended > totals.dispatched:
        raise ImpossibleHistoryError(order.version, "more units arrived than were dispatched")


def _closed(order: Order, items: Iterable[tuple[LineId, SlotSet]]) -> Order:
    """The order with these slots cancelled."""
    cancelled = dict(order.cancelled)
    units, to_fulfil = order.units.cancelled, order.units.cancelled_to_fulfil
    for line, slots in items:
        known = cancelled.get(line, NO_SLOTS)
        cancelled[line] = known | slots
        more = len(slots - known)
        units += more
        to_fulfil += more if order.priced.line(line).needs_fulfilment else 0
    now = changed(order.units, cancelled=units, cancelled_to_fulfil=to_fulfil)
    return changed(order, cancelled=cancelled, units=now)


def _cancelled(order: Order, event: ev.UnitsCancelled) -> Order:
    return changed(_closed(order, event.items), credits=(*order.credits, event.credit))


def _expired(order: Order, event: ev.OrderExpired) -> Order:
    open_slots = ((line.id, order.open_slots(line)) for line in order.priced.lines)
    closed = _closed(order, [(line, slots) for line, slots in open_slots if slots])
    return changed(closed, credits=(*order.credits, event.credit), expired_at=event.at)


def _credited(order: Order, event: ev.CreditGranted) -> Order:
    return changed(order, credits=(*order.credits, event.credit))


def _dispatched(order: Order, event: ShipmentDispatched | DigitalDelivered) -> Order:
    values = [slot_value(order.priced, item.line, item.slots) for item in event.items]
    value = sum_money([order.dispatched_value, *values], order.priced.currency)
    return changed(order, dispatched_value=value)


def _lines_added(order: Order, event: ev.LinesAdded) -> Order:
    priced = changed(
        order.priced,
        lines=(*order.priced.lines, *event.addition.lines),
        charges=(*order.priced.charges, *event.addition.charges),
    )
    return changed(order, priced=priced, units=_added(order.units, event.addition))


def _held(order: Order, event: ev.HoldPlaced) -> Order:
    hold = Hold(
        kind=event.kind,
        blocks=event.blocks,
        reason=event.reason,
        release_at=event.release_at,
        release_on=event.release_on,
    )
    return changed(order, holds=(*_without(order, event.kind), hold))


def _without(order: Order, kind: str) -> tuple[Hold, ...]:
    return tuple(hold for hold in order.holds if hold.kind != kind)


def _released(order: Order, event: ev.HoldReleased) -> Order:
    return changed(order, holds=_without(order, event.kind))


def _confirmed(order: Order, event: ev.OrderConfirmed) -> Order:
    return changed(order, confirmed_at=event.at)


def _completed(order: Order, event: ev.OrderCompleted) -> Order:
    return changed(order, completed_at=event.at)


def _stage(order: Order, event: ev.StageChanged) -> Order:
    return changed(order, stage=event.stage)


def _terms(order: Order, event: ev.TermsAmended) -> Order:
    return changed(order, terms=event.terms)


def _proposed(order: Order, event: ev.AmendmentProposed) -> Order:
    return changed(order, proposals=(*order.proposals, event))


def _answered(order: Order, event: ev.AmendmentConfirmed | ev.AmendmentDeclined) -> Order:
    left = tuple(known for known in order.proposals if known.proposal != event.proposal)
    return changed(order, proposals=left)


def _amended(order: Order, event: ev.AmendmentConfirmed) -> Order:
    found = [known for known in order.proposals if known.proposal == event.proposal]
    return changed(_answered(order, event), amendments=(*order.amendments, *found))


def _undone(order: Order, event: ev.AmendmentUndone) -> Order:
    left = tuple(known for known in order.amendments if known.proposal != event.proposal)
    return changed(order, amendments=left)


def _moved(order: Order, event: ev.DestinationChanged) -> Order:
    return changed(
        order,
        destination=event.destination or order.destination,
        customer=event.customer or order.customer,
    )


def _grouped(order: Order, event: ev.GroupsChanged) -> Order:
    return changed(order, groups=event.groups)


def _noted(order: Order, event: ev.NoteAdded) -> Order:
    return changed(order, notes=(*order.notes, event.text))


def _tagged(order: Order, event: ev.TagsChanged) -> Order:
    kept = [tag for tag in order.tags if tag not in event.removed]
    return changed(order, tags=tuple(dict.fromkeys((*kept, *event.added))))


def _referenced(order: Order, event: ev.ReferenceAdded) -> Order:
    return changed(order, references=(*order.references, (event.system, event.value)))


def _linked(order: Order, event: ev.OrderLinked) -> Order:
    return changed(order, links=(*order.links, event.link))


def _documented(order: Order, event: DocumentIssued) -> Order:
    return changed(order, documents=(*order.documents, event.numbered))


def _on(
    kind: type[_E], fold: Callable[[Order, _E], Order]
) -> tuple[type[Event], Callable[[Order, Event], Order]]:
    """One row of the table; the kind of fact and its fold belong together."""
    return kind, cast("Callable[[Order, Event], Order]", fold)


_FOLDS: Final[Mapping[type[Event], Callable[[Order, Event], Order]]] = dict(
    (
        _on(ev.UnitsCancelled, _cancelled),
        _on(ev.OrderExpired, _expired),
        _on(ev.CreditGranted, _credited),
        _on(ShipmentDispatched, _dispatched),
        _on(DigitalDelivered, _dispatched),
        _on(ev.LinesAdded, _lines_added),
        _on(ev.HoldPlaced, _held),
        _on(ev.HoldReleased, _released),
        _on(ev.OrderConfirmed, _confirmed),
        _on(ev.OrderCompleted, _completed),
        _on(ev.StageChanged, _stage),
        _on(ev.TermsAmended, _terms),
        _on(ev.AmendmentProposed, _proposed),
        _on(ev.AmendmentConfirmed, _amended),
        _on(ev.AmendmentUndone, _undone),
        _on(ev.AmendmentDeclined, _answered),
        _on(ev.DestinationChanged, _moved),
        _on(ev.NoteAdded, _noted),
        _on(ev.TagsChanged, _tagged),
        _on(ev.ReferenceAdded, _referenced),
        _on(ev.OrderLinked, _linked),
        _on(ev.GroupsChanged, _grouped),
        _on(DocumentIssued, _documented),
    )
)
