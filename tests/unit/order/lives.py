"""Orders in each headline status, and a request and a report of each kind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from attrs import evolve, frozen

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Report, Request
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import (
    Booked,
    BookingDeclined,
    BookingUnknown,
    LineUnits,
    ParcelStatus,
)
from ordercore.ids import (
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
from ordercore.order.decide import decide, replay
from ordercore.order.groups import DeliveryGroup
from ordercore.order.model import Order
from ordercore.order.party import Destination
from ordercore.order.quote import quote_refund
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import INSIDE, Blocks, Stage, StageRule, Terms
from ordercore.payment import commands as pc
from ordercore.payment.answers import (
    ActionRequired,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.intents import operation_key
from ordercore.payment.model import DisputeStatus, Operation, Tender, TenderKind
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.model import DraftLine, LineKind
from ordercore.pricing.slots import NO_SLOTS
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest
from ordercore.returns import commands as rc
from ordercore.returns.model import Grade, ReturnUnits
from tests.laws.order_world import CARD, NORTH, SOUTH, Fate, Shop, basket, eur, line

TEA: Final = LineId("tea")
WORK: Final = FulfilmentId("o-1-F1")
PARCEL: Final = ParcelId("o-1-P1")
FRESH: Final = ParcelId("p-new")
RMA: Final = ReturnId("r-1")


@frozen(kw_only=True)
class World:
    """Under which terms an order lives, what is in the basket, and how the first call ends."""

    terms: Terms = Terms()
    lines: tuple[DraftLine, ...] = (line("tea", 2),)
    unconfirmed: Fate = Fate.DECLINED


USUAL: Final = World()
BY_HAND: Final = World(
    terms=Terms(
        payment=PaymentPolicy(capture=CaptureWhen.MANUAL),
        release_automatically=False,
        complete_automatically=False,
        ship_before_paid=True,
    ),
    lines=(
        line("tea", 2),
        evolve(line("book", 1), kind=LineKind.DIGITAL, tracks_stock=False),
        evolve(
            line("advice", 1), kind=LineKind.SERVICE, needs_fulfilment=False, tracks_stock=False
        ),
    ),
    unconfirmed=Fate.LOST_CALL,
)
"""Capture, release and completion wait for somebody; a line is digital, and one a service."""


def placed(world: World = USUAL) -> tuple[Shop, Order]:
    """Its card was declined, or has not answered: not confirmed."""
    return _begun(world, world.unconfirmed)


def confirmed(world: World = USUAL) -> tuple[Shop, Order]:
    """Stock and money are sure, and nobody has picked anything."""
    return _begun(world)


def fulfilling(world: World = USUAL) -> tuple[Shop, Order]:
    """One of two units has left."""
    shop, order = confirmed(world)
    _release(shop, order)
    parcel = fc.PackParcel(
        parcel=PARCEL, fulfilment=WORK, items=(fc.PackItem(line=TEA, quantity=1),)
    )
    shop.do(order.id, parcel)
    return shop, shop.do(order.id, fc.Dispatch(parcel=PARCEL)).order


def fulfilled(world: World = USUAL) -> tuple[Shop, Order]:
    """All has left."""
    shop, order = confirmed(world)
    _release(shop, order)
    return shop, shop.send_all(_downloaded(shop, order))


def delivered(world: World = USUAL) -> tuple[Shop, Order]:
    """All has arrived, is paid, and may not come back any more where nobody completes it."""
    shop, order = confirmed(world)
    _release(shop, order)
    order = shop.send_all(_downloaded(shop, order), deliver=True)
    if not world.terms.complete_automatically:
        shop.do(order.id, pc.CaptureNow())
        shop.clock.forward(timedelta(days=400))
    return shop, shop.load(order.id)


def completed(world: World = USUAL) -> tuple[Shop, Order]:
    """Nothing is owed by anyone any more."""
    shop, order = delivered(world)
    if not world.terms.complete_automatically:
        return shop, shop.do(order.id, oc.Complete()).order
    shop.clock.forward(timedelta(days=400))
    return shop, shop.service.advance(order.id)


def cancelled(world: World = USUAL) -> tuple[Shop, Order]:
    """Nothing is open, nothing has left."""
    shop, order = _begun(evolve(world, terms=evolve(world.terms, release_automatically=False)))
    return shop, shop.do(order.id, oc.Cancel()).order


def expired(world: World = USUAL) -> tuple[Shop, Order]:
    """Not confirmed in time."""
    shop, order = _begun(world, Fate.DECLINED)
    shop.clock.forward(timedelta(days=8))
    return shop, shop.service.advance(order.id)


def _begun(world: World, *fates: Fate) -> tuple[Shop, Order]:
    shop = Shop()
    shop.receive("tea", 10)
    shop.till.fates = deque(fates)
    return shop, shop.place(*world.lines, terms=world.terms)


def _release(shop: Shop, order: Order) -> None:
    if not order.terms.release_automatically:
        shop.do(order.id, fc.ReleaseFulfilment(fulfilment=WORK))


def _downloaded(shop: Shop, order: Order) -> OrderId:
    for known in order.priced.lines:
        if known.kind is LineKind.DIGITAL:
            units = (LineUnits(line=known.id, quantity=known.quantity),)
            shop.do(order.id, fc.DeliverDigital(lines=units))
    return order.id


LIVES: Final[Mapping[OrderStatus, Callable[[], tuple[Shop, Order]]]] = {
    OrderStatus.PLACED: placed,
    OrderStatus.CONFIRMED: confirmed,
    OrderStatus.FULFILLING: fulfilling,
    OrderStatus.FULFILLED: fulfilled,
    OrderStatus.DELIVERED: delivered,
    OrderStatus.COMPLETED: completed,
    OrderStatus.CANCELLED: cancelled,
    OrderStatus.EXPIRED: expired,
}
BY_HAND_LIVES: Final[Mapping[OrderStatus, Callable[[], tuple[Shop, Order]]]] = {
    OrderStatus.PLACED: partial(placed, BY_HAND),
    OrderStatus.CONFIRMED: partial(confirmed, BY_HAND),
    OrderStatus.FULFILLING: partial(fulfilling, BY_HAND),
    OrderStatus.FULFILLED: partial(fulfilled, BY_HAND),
    OrderStatus.DELIVERED: partial(delivered, BY_HAND),
    OrderStatus.COMPLETED: partial(completed, BY_HAND),
    OrderStatus.CANCELLED: partial(cancelled, BY_HAND),
    OrderStatus.EXPIRED: partial(expired, BY_HAND),
}


def requests(order: Order) -> tuple[Request, ...]:
    """A request of every kind, as sensible as can be for any order."""
    own = (*_order_requests(order), *_payment_requests(order))
    return (*own, *_work(), *_parcels(order), *_returns())


def _remaining(order: Order) -> LineId:
    """Tea while any of it is open; then a line that needs no sending, where there is one."""
    services = (known.id for known in order.priced.lines if not known.needs_fulfilment)
    tea = order.priced.line(TEA)
    return TEA if order.open_slots(tea) else next(services, TEA)


def _order_requests(order: Order) -> tuple[Request, ...]:
    kind = HoldKind("fraud")
    kindness = RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=eur(1))
    return (
        oc.Place(order=order.id, priced=order.priced),
        oc.Confirm(),
        oc.Cancel(),
        oc.CancelUnits(units=((_remaining(order), 1),)),
        oc.PlaceHold(kind=kind, blocks=(Blocks.SHIP,)),
        oc.ReleaseHold(kind=kind),
        oc.MoveToStage(stage="packing"),
        oc.AmendTerms(terms=Terms(tolerance=1)),
        oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1))),
        oc.ConfirmAmendment(proposal="p"),
        oc.DeclineAmendment(proposal="p"),
        oc.UndoAmendment(proposal="p"),
        oc.ChangeDestination(),
        oc.ChangeGroups(groups=(DeliveryGroup(id="home", units=((TEA, 1),)),)),
        oc.IssueInvoice(),
        oc.Complete(),
        oc.AddNote(text="hello"),
        oc.ChangeTags(add=("vip",)),
        oc.AddReference(system="erp", value="4711"),
        oc.SplitOrder(order=OrderId(f"{order.id}-S"), units=((TEA, 1),), tenders=(CARD,)),
        *_kindness(order, kindness),
    )


def _kindness(order: Order, wanted: RefundRequest) -> tuple[Request, ...]:
    """A refund can be quoted only where something is left to credit; else an old quote is used."""
    if order.credits and not order.fulfilment.dispatched:
        order = evolve(order, credits=())
    quote = quote_refund(order, wanted, order.placed_at)
    refund, gone = oc.Refund(quote=quote), order.fulfilment.dispatched.get(TEA, NO_SLOTS)
    if gone:
        item = RefundItem(line=TEA, slots=gone.lowest(1))
        claim = RefundRequest(id=CreditId("claim"), cause=CreditCause.CLAIM, items=(item,))
        quote = quote_refund(order, claim, order.placed_at)
    return (
        refund,
        oc.ExchangeGoods(
            order=OrderId(f"{order.id}-X"), priced=basket(line("cup", 1)), quote=quote
        ),
    )


def _payment_requests(order: Order) -> tuple[Request, ...]:
    card = TenderId("card")
    is_open = (key for key, known in order.payment.operations.items() if known.is_open)
    key = next(is_open, operation_key(order.id, Operation.CAPTURE, card, 1))
    return (
        pc.AddTender(tender=Tender(id=TenderId("cash"), kind=TenderKind.CASH)),
        pc.RetryPayment(tender=card),
        pc.CaptureNow(),
        pc.VoidAuthorisation(tender=card),
        pc.RecordPayment(tender=card, amount=eur(1), reference=Reference("slip")),
        pc.RecordRefund(tender=card, amount=eur(1), reference=Reference("slip-2")),
        pc.ResolveOperation(key=key, outcome=pc.Outcome.SUCCEEDED),
    )


def _work() -> tuple[Request, ...]:
    units = (LineUnits(line=TEA, quantity=1),)
    return (
        fc.ReleaseFulfilment(fulfilment=WORK),
        fc.HoldFulfilment(fulfilment=WORK, reason="lunch"),
        fc.ResumeFulfilment(fulfilment=WORK),
        fc.MoveFulfilment(fulfilment=WORK, location=SOUTH),
        fc.SplitFulfilment(fulfilment=WORK, into=FulfilmentId("new"), lines=units),
        fc.MergeFulfilments(fulfilment=WORK, merged=FulfilmentId("new")),
        fc.PickUnits(fulfilment=WORK, lines=units),
        fc.PutBackUnits(fulfilment=WORK, lines=units),
        fc.RecordShortPick(fulfilment=WORK, lines=units),
        fc.AcceptCancel(fulfilment=WORK),
        fc.RefuseCancel(fulfilment=WORK),
    )


def _parcels(order: Order) -> tuple[Request, ...]:
    item = fc.PackItem(line=TEA, quantity=1)
    digital = (known.id for known in order.priced.lines if known.kind is LineKind.DIGITAL)
    book = LineUnits(line=next(digital, TEA), quantity=1)
    return (
        fc.PackParcel(parcel=FRESH, fulfilment=WORK, items=(item,)),
        fc.UnpackParcel(parcel=FRESH),
        fc.RetryBooking(parcel=FRESH),
        fc.Dispatch(parcel=FRESH),
        fc.DeliverDigital(lines=(book,)),
        fc.CorrectParcel(parcel=PARCEL, status=ParcelStatus.DELIVERED, reason="seen"),
    )


def _returns() -> tuple[Request, ...]:
    units = ReturnUnits(line=TEA, quantity=1)
    return (
        rc.RequestReturn(return_id=RMA, items=(rc.ReturnWish(units=units),)),
        rc.ApproveReturn(return_id=RMA),
        rc.RejectReturn(return_id=RMA, reason="no"),
        rc.LabelReturn(return_id=RMA),
        rc.ReceiveReturn(return_id=RMA, items=(units,), location=NORTH),
        rc.InspectReturn(return_id=RMA, results=(rc.Finding(units=units, grade=Grade.A_NEW),)),
        rc.CloseReturn(return_id=RMA),
    )


def before(order: Order, kind: type[Request]) -> tuple[Request | Report, ...]:
    """What must have happened first, so that a request of this kind is about something."""
    units = (LineUnits(line=TEA, quantity=1),)
    item = fc.PackItem(line=TEA, quantity=1)
    carried = fc.PackParcel(parcel=FRESH, fulfilment=WORK, items=(item,), carrier="post")
    no = fc.ReportBooking(parcel=FRESH, answer=BookingDeclined(reason="full"), at=order.placed_at)
    wish, back = rc.ReturnWish(units=ReturnUnits(line=TEA, quantity=1)), _returns()[4]
    proposal = oc.ProposeAmendment(proposal="p", removals=((TEA, 1),))
    address = oc.ProposeAmendment(proposal="p", destination=Destination(country="IT"))
    status = order_status(order)
    stage = Stage(name="packing", inside=status if status in INSIDE else OrderStatus.DELIVERED)
    split = fc.SplitFulfilment(fulfilment=WORK, into=FulfilmentId("new"), lines=units)
    wanted = rc.RequestReturn(return_id=RMA, items=(wish,))
    needs: dict[type[Request], tuple[Request | Report, ...]] = {
        oc.ReleaseHold: (oc.PlaceHold(kind=HoldKind("fraud"), blocks=(Blocks.SHIP,)),),
        oc.ConfirmAmendment: (proposal,),
        oc.DeclineAmendment: (proposal,),
        oc.UndoAmendment: (address, oc.ConfirmAmendment(proposal="p")),
        oc.MoveToStage: (oc.AmendTerms(terms=Terms(stages=StageRule(stages=(stage,)))),),
        pc.ResolveOperation: (pc.CaptureNow(),),
        fc.ResumeFulfilment: (fc.HoldFulfilment(fulfilment=WORK, reason="lunch"),),
        fc.MergeFulfilments: (split,),
        fc.PutBackUnits: (fc.PickUnits(fulfilment=WORK, lines=units),),
        fc.AcceptCancel: (oc.Cancel(),),
        fc.RefuseCancel: (oc.Cancel(),),
        fc.UnpackParcel: (carried,),
        fc.RetryBooking: (carried, no),
        fc.Dispatch: (carried,),
        rc.ApproveReturn: (wanted,),
        rc.RejectReturn: (wanted,),
        rc.LabelReturn: (wanted, rc.ApproveReturn(return_id=RMA)),
        rc.InspectReturn: (back,),
        rc.CloseReturn: (back, _returns()[5]),
    }
    return needs.get(kind, ())


def prepared(order: Order, kind: type[Request], now: datetime) -> Order:
    """The order after what must have happened first, as far as it may happen in its status."""
    for command in before(order, kind):
        try:
            events = decide(order, command, now)
        except (RefusedError, NotFoundError):
            return order
        order = replay(events, order) if events else order
    return order


def reports(order: Order, at: datetime) -> tuple[Report, ...]:
    """A report of every kind, about things that are there and things that are not."""
    known = next(iter(order.payment.operations), Key("none"))
    told: list[Report] = [
        pc.ReportAnswer(key=key, answer=answer, at=at)
        for key in (*order.payment.operations, known, Key("nobody"))
        for answer in _ANSWERS
    ]
    told += [
        pc.ReportOperation(operation=kind, reference=Reference(name), amount=eur(2000), at=at)
        for kind in Operation
        for name in (f"ref-{known}", "ref-unknown")
    ]
    told += [
        pc.ReportFailure(operation=kind, reference=Reference(name), at=at)
        for kind in Operation
        for name in (f"ref-{known}", "ref-unknown")
    ]
    told += [
        pc.ReportDispute(
            reference=Reference("case"),
            tender=TenderId("card"),
            amount=eur(100),
            status=status,
            at=at,
        )
        for status in DisputeStatus
    ]
    return (*told, *_late_reports(order, at))


_ANSWERS: Final[tuple[LookUpAnswer, ...]] = (
    Succeeded(reference=Reference("ref-x"), amount=eur(2000)),
    PartiallyApproved(reference=Reference("ref-y"), amount=eur(500)),
    Pending(reference=Reference("ref-z")),
    ActionRequired(reference=Reference("ref-z")),
    *(Declined(kind=kind, code="no") for kind in DeclineKind),
    Unknown(reason="silence"),
    NotFound(),
)


def _late_reports(order: Order, at: datetime) -> tuple[Report, ...]:
    answers = (
        Booked(tracking_number="T1", label="label"),
        BookingDeclined(reason="full"),
        BookingUnknown(reason="silence"),
    )
    parcels = (*order.fulfilment.parcels, PARCEL, ParcelId("nowhere"))
    return (
        *(
            pc.ReportAuthorisationExpired(reference=Reference(name), at=at)
            for name in (*(f"ref-{key}" for key in order.payment.operations), "ref-unknown")
        ),
        *(
            pc.ReportCollected(tender=name, amount=eur(5), reference=Reference("door"), at=at)
            for name in (TenderId("card"), TenderId("nobody"))
        ),
        *(
            fc.ReportTracking(parcel=parcel, status=status, at=at)
            for parcel in parcels
            for status in ParcelStatus
        ),
        *(
            fc.ReportBooking(parcel=parcel, answer=answer, at=at)
            for parcel in parcels
            for answer in answers
        ),
        *(
            rc.ReportReturnMoved(return_id=name, at=at)
            for name in (*order.returns.rmas, RMA, ReturnId("nobody"))
        ),
    )
