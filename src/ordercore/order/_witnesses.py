"""
For each kind of request the few, built from an order, that are the likeliest to be accepted.

They are what `order.possible.allowed` asks `decide` about, so that it can say whether any request
of a kind would pass without knowing a room's rules itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.facts import Request
from ordercore.fulfilment.model import WorkStatus
from ordercore.ids import HoldKind, LineId, OrderId, Reference, TenderId
from ordercore.money import MAX_MINOR, Money
from ordercore.order import commands as oc
from ordercore.order._witnesses_goods import GOODS, Row, each, free
from ordercore.order.groups import DeliveryGroup
from ordercore.order.model import Order
from ordercore.order.parts import part_of
from ordercore.order.party import Destination
from ordercore.order.quote import next_credit, quote_refund
from ordercore.order.rules import open_units
from ordercore.order.terms import Blocks
from ordercore.payment import commands as pc
from ordercore.payment.model import Tender
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.model import ChargeCredit, CreditCause, RefundItem, RefundQuote, RefundRequest
from ordercore.refund.worth import credited_slots

__all__ = ["WITNESSES"]


def _cent(order: Order) -> Money:
    return Money(1, order.priced.currency)


def _whole(_: Order, __: datetime) -> Iterator[Request]:
    yield oc.Cancel()


def _cancels(order: Order, _: datetime) -> Iterator[Request]:
    """Units that no location was asked for already first, then those that are asked for."""
    for line in _open_lines(order, lambda status: status is WorkStatus.CANCEL_REQUESTED):
        yield oc.CancelUnits(units=((line, 1),))


def _other(order: Order) -> OrderId:
    """The name of an order to be made from this one."""
    return OrderId(free("order", (order.id, *(link.order for link in order.links))))


_UNKNOWN_THERE: Final = frozenset({WorkStatus.PLANNED})


def _splits(order: Order, _: datetime) -> Iterator[Request]:
    """Units that no location works on first, then those that somebody works on."""
    other = _other(order)
    for line in _open_lines(order, lambda status: status not in _UNKNOWN_THERE):
        yield oc.SplitOrder(order=other, units=((line, 1),))


def _open_lines(order: Order, is_bound: Callable[[WorkStatus], bool]) -> list[LineId]:
    """The lines with an open unit; first those with one that is in no such work."""
    bound: dict[LineId, int] = {}
    for work in order.fulfilment.open_orders:
        for known in work.lines if is_bound(work.status) else ():
            bound[known.line] = bound.get(known.line, 0) + known.remaining
    units = {line.id: open_units(order, line) for line in order.priced.lines}
    is_open = [line for line, open_ in units.items() if open_ > 0]
    return sorted(is_open, key=lambda line: units[line] <= bound.get(line, 0))


def _credits(order: Order, cause: CreditCause) -> Iterator[RefundRequest]:
    """A cent of goodwill, the unit of a line that is not credited yet, and a cent of a charge."""
    name = next_credit(order)
    yield RefundRequest(id=name, cause=cause, goodwill=_cent(order))
    gone = credited_slots(order.credits)
    for line in order.priced.lines:
        left = SlotSet.of(0, line.quantity) - gone.get(line.id, NO_SLOTS)
        left -= order.open_slots(line) if line.needs_fulfilment else NO_SLOTS
        if left:
            items = (RefundItem(line=line.id, slots=left.lowest(1)),)
            yield RefundRequest(id=name, cause=cause, items=items)
            break
    for charge in order.priced.charges:
        charges = (ChargeCredit(charge=charge.id, amount=_cent(order)),)
        yield RefundRequest(id=name, cause=cause, charges=charges)


def _quotes(order: Order, cause: CreditCause, now: datetime) -> Iterator[RefundQuote]:
    for request in _credits(order, cause):
        try:
            yield quote_refund(order, request, now)
        except OrderCoreError:  # it is no witness then
            continue


def _refunds(order: Order, now: datetime) -> Iterator[Request]:
    return (oc.Refund(quote=quote) for quote in _quotes(order, CreditCause.GOODWILL, now))


def _exchanges(order: Order, now: datetime) -> Iterator[Request]:
    """The same goods again, for a claim: what an exchange credits could be claimed as well."""
    priced = part_of(order.priced, {order.priced.lines[0].id: SlotSet.of(0, 1)})
    other = _other(order)
    for quote in _quotes(order, CreditCause.CLAIM, now):
        yield oc.ExchangeGoods(order=other, priced=priced, quote=quote)


def _stages(order: Order, _: datetime) -> Iterator[Request]:
    """Each of the host's stages, and out of the one in which the order is."""
    for stage in order.terms.stages.stages:
        yield oc.MoveToStage(stage=stage.name)
    if order.stage:
        yield oc.MoveToStage(stage="")


def _other_terms(order: Order, _: datetime) -> Iterator[Request]:
    tolerance = order.terms.tolerance
    changed = tolerance - 1 if tolerance == MAX_MINOR else tolerance + 1
    yield oc.AmendTerms(terms=evolve(order.terms, tolerance=changed))


def _elsewhere(order: Order) -> Destination:
    """Another destination than that of the order."""
    here = order.destination
    return Destination(country="DE" if here is None or here.country != "DE" else "FR")


def _proposals(order: Order, _: datetime) -> Iterator[Request]:
    name = free("proposal", (known.proposal for known in order.proposals))
    yield oc.ProposeAmendment(proposal=name, destination=_elsewhere(order))


def _other_groups(order: Order, _: datetime) -> Iterator[Request]:
    """Another turn for a group, and a new group for a unit that none names."""
    groups = order.groups
    for place, group in enumerate(groups):
        other = evolve(group, priority=group.priority + 1)
        yield oc.ChangeGroups(groups=(*groups[:place], other, *groups[place + 1 :]))
    for line in order.fulfilment_lines():
        if sum(group.wanted(line.id) for group in groups) < line.quantity:
            name = free("group", (group.id for group in groups))
            more = DeliveryGroup(id=name, units=((line.id, 1),))
            yield oc.ChangeGroups(groups=(*groups, more))
            return


def _tenders(order: Order) -> tuple[TenderId, ...]:
    return tuple(tender.id for tender in order.payment.tenders)


def _retries(order: Order, _: datetime) -> Iterator[Request]:
    """The same instrument again, and another one."""
    for tender in order.payment.tenders:
        yield pc.RetryPayment(tender=tender.id)
        yield pc.RetryPayment(tender=tender.id, instrument="another-instrument")


def _reference(order: Order) -> Reference:
    return Reference(free("slip", order.payment.recorded))


def _payments(order: Order, _: datetime) -> Iterator[Request]:
    for tender in _tenders(order):
        yield pc.RecordPayment(tender=tender, amount=_cent(order), reference=_reference(order))


def _paid_back(order: Order, _: datetime) -> Iterator[Request]:
    """A cent of what is held of each tender."""
    book = order.payment.book
    held = book.total.refundable
    for tender in (name for name in _tenders(order) if min(held, book.of(name).refundable) > 0):
        yield pc.RecordRefund(tender=tender, amount=_cent(order), reference=_reference(order))


def _answers(order: Order, _: datetime) -> Iterator[Request]:
    for key in (key for key, found in order.payment.operations.items() if found.is_open):
        yield pc.ResolveOperation(key=key, outcome=pc.Outcome.SUCCEEDED)


def _one(make: Callable[[Order], Request]) -> Row:
    """A kind that is about nothing but the order itself."""
    return "reason for it", lambda order, _: (make(order),)


WITNESSES: Final[Mapping[type[Request], Row]] = {
    oc.Confirm: _one(lambda _: oc.Confirm()),
    oc.Cancel: ("open unit", _whole),
    oc.CancelUnits: ("open unit", _cancels),
    oc.Refund: ("amount left that could be credited", _refunds),
    oc.PlaceHold: _one(
        lambda it: oc.PlaceHold(
            kind=HoldKind(free("hold", (hold.kind for hold in it.holds))), blocks=(Blocks.SHIP,)
        )
    ),
    oc.ReleaseHold: (
        "hold",
        each(lambda it: it.holds, lambda hold: oc.ReleaseHold(kind=hold.kind)),
    ),
    oc.MoveToStage: ("stage to enter or to leave", _stages),
    oc.AmendTerms: ("other terms", _other_terms),
    oc.ProposeAmendment: ("other destination", _proposals),
    oc.ConfirmAmendment: (
        "open proposal that fits",
        each(lambda it: it.proposals, lambda one: oc.ConfirmAmendment(proposal=one.proposal)),
    ),
    oc.DeclineAmendment: (
        "open proposal",
        each(lambda it: it.proposals, lambda one: oc.DeclineAmendment(proposal=one.proposal)),
    ),
    oc.UndoAmendment: (
        "confirmed amendment",
        each(lambda it: it.amendments, lambda one: oc.UndoAmendment(proposal=one.proposal)),
    ),
    oc.ChangeDestination: _one(lambda it: oc.ChangeDestination(destination=_elsewhere(it))),
    oc.ChangeGroups: ("unit to divide", _other_groups),
    oc.IssueInvoice: _one(lambda _: oc.IssueInvoice()),
    oc.Complete: _one(lambda _: oc.Complete()),
    oc.AddNote: _one(lambda _: oc.AddNote(text="note")),
    oc.ChangeTags: _one(lambda it: oc.ChangeTags(add=(free("tag", it.tags),))),
    oc.AddReference: _one(
        lambda it: oc.AddReference(
            system="system", value=free("name", (value for _, value in it.references))
        )
    ),
    oc.SplitOrder: ("open unit", _splits),
    oc.ExchangeGoods: ("amount left that could be credited", _exchanges),
    pc.AddTender: _one(
        lambda it: pc.AddTender(tender=Tender(id=TenderId(free("tender", _tenders(it)))))
    ),
    pc.RetryPayment: ("tender", _retries),
    pc.CaptureNow: _one(lambda _: pc.CaptureNow()),
    pc.VoidAuthorisation: ("tender", each(_tenders, lambda it: pc.VoidAuthorisation(tender=it))),
    pc.RecordPayment: ("tender", _payments),
    pc.RecordRefund: ("money held of a tender", _paid_back),
    pc.ResolveOperation: ("open payment operation", _answers),
    **GOODS,
}
"""By kind of request: what it is about, and its witnesses."""
