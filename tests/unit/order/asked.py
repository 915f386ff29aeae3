"""
Requests of every kind about all that an order has, and about what it has not, by brute force.

Nothing here knows what a rule would say: ids that exist and ids that do not, one unit and two, a
cent and a euro, each with each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import product

from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import LineUnits, ParcelStatus
from ordercore.ids import (
    Actor,
    CreditId,
    FulfilmentId,
    HoldKind,
    Key,
    LineId,
    OrderId,
    ParcelId,
    Reference,
    ReturnId,
    TenderId,
)
from ordercore.order import commands as oc
from ordercore.order.groups import DeliveryGroup
from ordercore.order.model import Order
from ordercore.order.party import Destination
from ordercore.order.quote import Items, quote_refund
from ordercore.order.terms import Blocks
from ordercore.payment import commands as pc
from ordercore.payment.model import Tender
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, RefundItem, RefundQuote, RefundRequest
from ordercore.returns import commands as rc
from ordercore.returns.model import Disposition, Grade, ReturnReason, ReturnUnits
from tests.laws.order_world import NORTH, SOUTH, basket, eur, line

__all__ = ["every_request"]

NONE = "none-such"
COUNTS = (1, 2)


def every_request(order: Order, now: datetime) -> Iterator[Request]:
    """All of them; some hundreds for a small order."""
    yield from _about_itself(order)
    yield from _amendments(order)
    yield from _linking(order, now)
    yield from _money(order)
    yield from _work(order)
    yield from _parcels(order)
    yield from _returns(order)


def _lines(order: Order) -> list[LineId]:
    return [*order.priced.by_id, LineId(NONE)]


def _about_itself(order: Order) -> Iterator[Request]:
    yield from (oc.Confirm(), oc.Cancel(), oc.IssueInvoice(), oc.Complete())
    yield from (oc.AddNote(text="x"), oc.ChangeTags(add=("x",)), oc.ChangeTags(remove=("x",)))
    yield oc.AddReference(system="erp", value="1")
    yield from (oc.CancelUnits(units=(each,)) for each in product(_lines(order), COUNTS))
    for kind in (*(hold.kind for hold in order.holds), HoldKind(NONE)):
        yield from (oc.PlaceHold(kind=kind, blocks=(block,)) for block in Blocks)
        yield oc.ReleaseHold(kind=kind)
    for stage in (*(stage.name for stage in order.terms.stages.stages), NONE, ""):
        yield oc.MoveToStage(stage=stage)
    yield from (oc.AmendTerms(terms=evolve(order.terms, tolerance=each)) for each in (0, 7))
    for country in ("IT", "PT"):
        yield oc.ChangeDestination(destination=Destination(country=country))
    yield oc.ChangeGroups(groups=())
    for name, many in product(_lines(order), COUNTS):
        group = DeliveryGroup(id="g", units=((name, many),), priority=many)
        yield oc.ChangeGroups(groups=(group,))


def _amendments(order: Order) -> Iterator[Request]:
    extra = basket(line(f"more-{len(order.priced.lines)}", 1))
    yield oc.ProposeAmendment(proposal="p-new", addition=extra)
    for name, many in product(_lines(order), COUNTS):
        yield oc.ProposeAmendment(proposal="p-new", removals=((name, many),))
    known = (each.proposal for each in (*order.proposals, *order.amendments))
    for proposal in (*known, NONE):
        yield oc.ConfirmAmendment(proposal=proposal)
        yield oc.DeclineAmendment(proposal=proposal)
        yield oc.UndoAmendment(proposal=proposal)


def _linking(order: Order, now: datetime) -> Iterator[Request]:
    other = OrderId("o-other")
    for name, many in product(_lines(order), COUNTS):
        yield oc.SplitOrder(order=other, units=((name, many),))
    for quote in _quotes(order, now):
        yield oc.Refund(quote=quote)
        for rma in (None, *order.returns.rmas):
            goods = basket(line("cup", 1, 300))
            yield oc.ExchangeGoods(order=other, priced=goods, quote=quote, return_id=rma)


def _quotes(order: Order, now: datetime) -> Iterator[RefundQuote]:
    for wanted in (*_credits(order), *order.returns.rmas):
        try:
            yield quote_refund(order, wanted, now)
        except OrderCoreError:
            continue


def _credits(order: Order) -> Iterator[Items]:
    name = CreditId("credit-new")
    for cause in (CreditCause.GOODWILL, CreditCause.CLAIM):
        yield RefundRequest(id=name, cause=cause, goodwill=eur(1))
        for known in order.priced.lines:
            for slot in range(known.quantity):
                item = RefundItem(line=known.id, slots=SlotSet.from_slots([slot]))
                yield RefundRequest(id=name, cause=cause, items=(item,))


def _money(order: Order) -> Iterator[Request]:
    yield from (pc.CaptureNow(amount=each) for each in (None, eur(1), eur(500), eur(10**6)))
    for tender in (*(known.id for known in order.payment.tenders), TenderId(NONE)):
        yield pc.AddTender(tender=Tender(id=tender))
        yield pc.VoidAuthorisation(tender=tender)
        yield from (pc.RetryPayment(tender=tender, instrument=each) for each in (None, "tok-x"))
        for amount, name in product((eur(1), eur(500)), ("slip-x", *order.payment.recorded)):
            reference = Reference(name)
            yield pc.RecordPayment(tender=tender, amount=amount, reference=reference)
            yield pc.RecordRefund(tender=tender, amount=amount, reference=reference)
    for key, outcome in product((*order.payment.operations, Key(NONE)), pc.Outcome):
        yield pc.ResolveOperation(key=key, outcome=outcome)


def _work(order: Order) -> Iterator[Request]:
    works = (*order.fulfilment.orders, FulfilmentId(NONE))
    for work in works:
        yield fc.ReleaseFulfilment(fulfilment=work)
        yield fc.HoldFulfilment(fulfilment=work, reason="lunch")
        yield fc.ResumeFulfilment(fulfilment=work)
        yield fc.AcceptCancel(fulfilment=work)
        yield fc.RefuseCancel(fulfilment=work)
        yield from (fc.MoveFulfilment(fulfilment=work, location=at) for at in (NORTH, SOUTH))
        yield from (fc.MergeFulfilments(fulfilment=work, merged=gone) for gone in works)
        for name, many in product(_lines(order), COUNTS):
            yield from _on_units(work, (LineUnits(line=name, quantity=many),))


def _on_units(work: FulfilmentId, units: tuple[LineUnits, ...]) -> Iterable[Request]:
    items = tuple(fc.PackItem(line=each.line, quantity=each.quantity) for each in units)
    return (
        fc.PickUnits(fulfilment=work, lines=units),
        fc.PutBackUnits(fulfilment=work, lines=units),
        fc.RecordShortPick(fulfilment=work, lines=units),
        fc.AcceptCancel(fulfilment=work, lines=units),
        fc.SplitFulfilment(fulfilment=work, into=FulfilmentId("w-new"), lines=units),
        fc.PackParcel(parcel=ParcelId("p-asked"), fulfilment=work, items=items),
    )


def _parcels(order: Order) -> Iterator[Request]:
    for parcel in (*order.fulfilment.parcels, ParcelId(NONE)):
        yield fc.UnpackParcel(parcel=parcel)
        yield fc.RetryBooking(parcel=parcel, carrier="post")
        yield fc.Dispatch(parcel=parcel)
        for status in (ParcelStatus.DELIVERED, ParcelStatus.LOST, ParcelStatus.PACKED):
            yield fc.CorrectParcel(parcel=parcel, status=status, reason="seen")
    for name, many in product(_lines(order), COUNTS):
        yield fc.DeliverDigital(lines=(LineUnits(line=name, quantity=many),))


def _returns(order: Order) -> Iterator[Request]:
    for name in (*order.returns.rmas, ReturnId("r-new")):
        yield rc.ApproveReturn(return_id=name)
        yield rc.RejectReturn(return_id=name, reason="no")
        yield rc.LabelReturn(return_id=name)
        yield rc.CloseReturn(return_id=name)
        for known, many in product(_lines(order), COUNTS):
            units = ReturnUnits(line=known, quantity=many)
            yield rc.ReceiveReturn(return_id=name, items=(units,), location=NORTH)
            for grade, then in product(Grade, (None, Disposition.KEEP, Disposition.RESTOCK)):
                found = rc.Finding(units=units, grade=grade, disposition=then)
                yield rc.InspectReturn(return_id=name, results=(found,))
            for reason, by in product(ReturnReason, (None, Actor("staff:ann"), Actor("customer"))):
                wish = rc.ReturnWish(units=units, reason=reason)
                yield rc.RequestReturn(return_id=name, items=(wish,), granted_by=by)
