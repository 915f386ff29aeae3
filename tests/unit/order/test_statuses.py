"""RULES S: the headline word by word, the flags, and each example under the table."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.errors import RefusedError
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import LineUnits, ParcelStatus
from ordercore.fulfilment.status import FulfilmentStatus
from ordercore.ids import CreditId, LineId, ParcelId, Reference, ReturnId, TenderId
from ordercore.order import commands as oc
from ordercore.order.model import Order
from ordercore.order.status import ORDER, Flag, OrderFacts, OrderStatus, Statuses, statuses
from ordercore.order.terms import Terms
from ordercore.payment import commands as pc
from ordercore.payment.model import DisputeStatus, Operation, Tender, TenderKind
from ordercore.payment.status import PaymentStatus
from ordercore.pricing.model import DraftLine, LineKind
from ordercore.refund.model import CreditCause, RefundRequest
from ordercore.returns import commands as rc
from ordercore.returns.model import Grade, ReturnPurpose, ReturnUnits
from ordercore.returns.status import ReturnStatus
from tests.laws.order_world import ACCOUNT, CARD, NORTH, Fate, Shop, basket, eur, gift, line

H, P, F, R = OrderStatus, PaymentStatus, FulfilmentStatus, ReturnStatus
TEA = LineId("tea")
RMA = ReturnId("r-1")
USUAL = OrderFacts(
    is_expired=False,
    is_confirmed=True,
    is_completed=False,
    remaining=3,
    n=3,
    dispatched=0,
    delivered=0,
    ended=0,
    picked=0,
)


@pytest.fixture
def shop() -> Shop:
    """Nine are there of everything."""
    opened = Shop()
    for name in ("tea", "cup"):
        opened.receive(name, 9)
    return opened


def told(shop: Shop, order: Order) -> Statuses:
    return statuses(shop.load(order.id))


def sent(shop: Shop, order: Order, units: int = 9, *, deliver: bool = True) -> ParcelId:
    parcel = shop.pack(order.id, most=units)
    assert parcel is not None
    shop.do(order.id, fc.Dispatch(parcel=parcel))
    if deliver:
        shop.deliver(order.id, parcel)
    return parcel


def come_back(shop: Shop, order: Order, units: int) -> None:
    named = ReturnUnits(line=TEA, quantity=units)
    shop.do(order.id, rc.ReceiveReturn(return_id=RMA, items=(named,), location=NORTH))
    found = rc.Finding(units=named, grade=Grade.A_NEW)
    shop.do(order.id, rc.InspectReturn(return_id=RMA, results=(found,)))
    quote = shop.service.quote_refund(order.id, RMA)
    shop.do(order.id, oc.Refund(quote=quote))
    shop.do(order.id, rc.CloseReturn(return_id=RMA))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (evolve(USUAL, is_expired=True, remaining=0), H.EXPIRED),
        (evolve(USUAL, remaining=0, n=0), H.CANCELLED),
        (evolve(USUAL, remaining=0, n=0, is_confirmed=False), H.CANCELLED),
        (evolve(USUAL, is_confirmed=False, dispatched=3), H.PLACED),
        (evolve(USUAL, is_completed=True, ended=3, delivered=3, dispatched=3), H.COMPLETED),
        (evolve(USUAL, dispatched=3, ended=3, delivered=3), H.DELIVERED),
        (evolve(USUAL, dispatched=3, ended=3, delivered=1), H.DELIVERED),
        (evolve(USUAL, dispatched=3, ended=3), H.FULFILLED),
        (evolve(USUAL, n=0, remaining=1), H.DELIVERED),
        (evolve(USUAL, dispatched=3, ended=2, delivered=2), H.FULFILLED),
        (evolve(USUAL, dispatched=1), H.FULFILLING),
        (evolve(USUAL, picked=1), H.FULFILLING),
        (USUAL, H.CONFIRMED),
    ],
)
def test_the_headline_is_the_first_match(at: OrderFacts, expected: OrderStatus) -> None:
    """The row Order of RULES S, condition by condition."""
    assert expected is ORDER.of(at)
    assert "" != ORDER.why(at)


def test_a_delivery_that_is_revoked_leads_back(shop: Shop) -> None:
    """Steps back: delivered to fulfilled."""
    order = shop.place(line("tea", 1))
    parcel = sent(shop, order)
    assert H.DELIVERED is told(shop, order).order
    wrong = fc.CorrectParcel(parcel=parcel, status=ParcelStatus.IN_TRANSIT, reason="next door")
    shop.do(order.id, wrong)
    assert (H.FULFILLED, F.DISPATCHED) == (
        told(shop, order).order,
        told(shop, order).fulfilment,
    )


def test_units_that_are_put_back_lead_back(shop: Shop) -> None:
    """Steps back: fulfilling to confirmed."""
    order = shop.place(line("tea", 1))
    (work,) = order.fulfilment.open_orders
    units = (LineUnits(line=TEA, quantity=1),)
    shop.do(order.id, fc.PickUnits(fulfilment=work.id, lines=units))
    assert (H.FULFILLING, F.IN_PREPARATION) == (
        told(shop, order).order,
        told(shop, order).fulfilment,
    )
    shop.do(order.id, fc.PutBackUnits(fulfilment=work.id, lines=units))
    assert (H.CONFIRMED, F.UNFULFILLED) == (told(shop, order).order, told(shop, order).fulfilment)


def test_units_that_are_added_lead_back(shop: Shop) -> None:
    """Steps back: fulfilled to fulfilling."""
    order = shop.place(line("tea", 1))
    sent(shop, order, deliver=False)
    assert H.FULFILLED is told(shop, order).order
    more = oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1)))
    shop.do(order.id, more)
    shop.do(order.id, oc.ConfirmAmendment(proposal="p"))
    assert (H.FULFILLING, F.PARTIALLY_DISPATCHED) == (
        told(shop, order).order,
        told(shop, order).fulfilment,
    )


def test_an_order_of_nothing_is_not_required_and_confirms(shop: Shop) -> None:
    """Zero-total orders are not_required and confirm; free items count as units."""
    order = shop.place(line("tea", 2, 0), tenders=())
    assert (H.CONFIRMED, P.NOT_REQUIRED) == (told(shop, order).order, told(shop, order).payment)
    sent(shop, order, 1)
    assert (H.FULFILLING, F.PARTIALLY_DELIVERED) == (
        told(shop, order).order,
        told(shop, order).fulfilment,
    )
    sent(shop, order)
    assert H.DELIVERED is told(shop, order).order


def test_a_gift_card_alone_pays(shop: Shop) -> None:
    """Gift card alone: paid."""
    order = shop.place(line("tea", 1), tenders=(evolve(gift(1000), amount=None),))
    assert (H.CONFIRMED, P.PAID) == (told(shop, order).order, told(shop, order).payment)


def test_cash_on_delivery_is_deferred_when_it_is_shipped(shop: Shop) -> None:
    """Cash on delivery shipped: deferred; collected: paid."""
    cash = Tender(id=TenderId("cod"), kind=TenderKind.CASH_ON_DELIVERY)
    order = shop.place(line("tea", 1), tenders=(cash,))
    sent(shop, order, deliver=False)
    assert (H.FULFILLED, P.DEFERRED) == (told(shop, order).order, told(shop, order).payment)
    collected = pc.ReportCollected(
        tender=cash.id, amount=eur(1000), reference=Reference("door"), at=shop.clock()
    )
    shop.do(order.id, collected)
    assert P.PAID is told(shop, order).payment


def test_one_delivered_and_two_cancelled_is_delivered(shop: Shop) -> None:
    """1 delivered + 2 cancelled: delivered, and paid for one."""
    order = shop.place(line("tea", 3), terms=Terms(release_automatically=False))
    shop.do(order.id, oc.CancelUnits(units=((TEA, 2),)))
    (work,) = shop.load(order.id).fulfilment.open_orders
    shop.do(order.id, fc.ReleaseFulfilment(fulfilment=work.id))
    sent(shop, order)
    found = told(shop, order)
    assert (H.DELIVERED, F.DELIVERED, P.PAID) == (found.order, found.fulfilment, found.payment)
    assert 1000 == shop.till.held(order.id)


def test_one_of_two_that_came_back_is_fulfilling(shop: Shop) -> None:
    """1 of 2 dispatched and returned: fulfilling, with one still to ship."""
    order = shop.place(line("tea", 2))
    sent(shop, order, 1)
    come_back(shop, order, 1)
    found = told(shop, order)
    assert (H.FULFILLING, R.PARTIALLY_RETURNED) == (found.order, found.returned)
    sent(shop, order)
    assert H.DELIVERED is told(shop, order).order


def test_refunded_and_then_disputed(shop: Shop) -> None:
    """Refunded and then disputed: a flag; lost: over_refunded, and no new charge."""
    order = shop.place(line("tea", 1))
    sent(shop, order)
    come_back(shop, order, 1)
    assert (R.RETURNED, P.REFUNDED) == (told(shop, order).returned, told(shop, order).payment)
    for status, payment in (
        (DisputeStatus.OPENED, P.REFUNDED),
        (DisputeStatus.LOST, P.OVER_REFUNDED),
    ):
        case = pc.ReportDispute(
            reference=Reference("case"),
            tender=CARD.id,
            amount=eur(1000),
            status=status,
            at=shop.clock(),
        )
        shop.do(order.id, case)
        assert payment is told(shop, order).payment
        assert (Flag.DISPUTED in told(shop, order).flags) is (status is DisputeStatus.OPENED)
    shop.rest()
    assert 1000 == shop.till.moved(Operation.CAPTURE, order.id)


@pytest.mark.parametrize(
    ("purpose", "flags"),
    [
        (ReturnPurpose.RETURN, frozenset({Flag.RETURN_OPEN})),
        (ReturnPurpose.EXCHANGE, frozenset({Flag.RETURN_OPEN, Flag.EXCHANGE_OPEN})),
        (ReturnPurpose.CLAIM, frozenset({Flag.RETURN_OPEN, Flag.CLAIM_OPEN})),
    ],
)
def test_an_open_return_is_a_flag_of_its_purpose(
    shop: Shop, purpose: ReturnPurpose, flags: frozenset[Flag]
) -> None:
    """Flags: return_open, exchange_open, claim_open stand until it is closed."""
    order = shop.place(line("tea", 1))
    sent(shop, order)
    wish = rc.ReturnWish(units=ReturnUnits(line=TEA, quantity=1))
    shop.do(order.id, rc.RequestReturn(return_id=RMA, items=(wish,), purpose=purpose))
    assert (flags, R.REQUESTED) == (told(shop, order).flags, told(shop, order).returned)
    shop.do(order.id, rc.CloseReturn(return_id=RMA))
    assert (frozenset[Flag](), R.NONE) == (told(shop, order).flags, told(shop, order).returned)


def test_money_that_has_not_answered_is_a_flag(shop: Shop) -> None:
    """Flags: in_doubt while a call has no answer, refund_pending while money must go back."""
    shop.till.fates.append(Fate.LOST_CALL)
    order = shop.place(line("tea", 1))
    assert {Flag.IN_DOUBT} == told(shop, order).flags
    transfer = shop.place(line("tea", 1), tenders=(ACCOUNT,))
    paid = pc.RecordPayment(tender=ACCOUNT.id, amount=eur(1500), reference=Reference("slip"))
    shop.do(transfer.id, paid)
    assert {Flag.REFUND_PENDING} == told(shop, transfer).flags
    assert P.OVERPAID is told(shop, transfer).payment


# --- Complete -----------------------------------------------------------------------------------

BY_HAND = Terms(complete_automatically=False)


def problem_of(shop: Shop, order: Order) -> str:
    with pytest.raises(RefusedError) as caught:
        shop.do(order.id, oc.Complete())
    return str(caught.value)


def test_complete_waits_for_every_condition(shop: Shop) -> None:
    """Units that have not been sent, the window, money, flags: each alone keeps it open."""
    order = shop.place(line("tea", 2), terms=BY_HAND)
    sent(shop, order, 1)
    assert "units have still to be sent" in problem_of(shop, order)
    sent(shop, order)
    assert "goods may come back until" in problem_of(shop, order)
    wish = rc.ReturnWish(units=ReturnUnits(line=TEA, quantity=1))
    shop.do(order.id, rc.RequestReturn(return_id=RMA, items=(wish,)))
    shop.clock.forward(timedelta(days=60))
    assert "return_open" in problem_of(shop, order)
    shop.do(order.id, rc.CloseReturn(return_id=RMA))
    wanted = RefundRequest(id=CreditId("c"), cause=CreditCause.GOODWILL, goodwill=eur(100))
    kindness = shop.service.quote_refund(order.id, wanted)
    shop.till.fates.append(Fate.LOST_CALL)
    shop.do(order.id, oc.Refund(quote=kindness))
    assert "is owed and" in problem_of(shop, order)
    shop.rest()
    assert H.COMPLETED is statuses(shop.do(order.id, oc.Complete()).order).order


def test_without_a_delivery_the_window_begins_with_the_dispatch(shop: Shop) -> None:
    """Complete: or the window over without a delivery fact, counted from the dispatch."""
    order = shop.place(line("tea", 1), terms=BY_HAND)
    sent(shop, order, deliver=False)
    shop.clock.forward(timedelta(days=43))
    assert "goods may come back until" in problem_of(shop, order)
    shop.clock.forward(timedelta(days=2))
    assert H.COMPLETED is statuses(shop.do(order.id, oc.Complete()).order).order


def test_a_completed_order_can_still_be_disputed_and_come_back(shop: Shop) -> None:
    """Complete ends the headline only: a dispute or a late return afterwards still works."""
    order = shop.place(line("tea", 1))
    sent(shop, order)
    shop.clock.forward(timedelta(days=60))
    assert H.COMPLETED is statuses(shop.service.advance(order.id)).order
    come_back(shop, order, 1)
    found = told(shop, order)
    assert (H.COMPLETED, R.RETURNED, P.REFUNDED) == (found.order, found.returned, found.payment)
    case = pc.ReportDispute(
        reference=Reference("case"),
        tender=CARD.id,
        amount=eur(1000),
        status=DisputeStatus.LOST,
        at=shop.clock(),
    )
    shop.do(order.id, case)
    assert (H.COMPLETED, P.OVER_REFUNDED) == (told(shop, order).order, told(shop, order).payment)


# --- services -----------------------------------------------------------------------------------


def service(name: str, units: int) -> DraftLine:
    known = line(name, units)
    return evolve(known, kind=LineKind.SERVICE, needs_fulfilment=False, tracks_stock=False)


def test_a_service_can_be_cancelled_until_its_window_is_over(shop: Shop) -> None:
    """O-5: what remains is cancelled, and paid back; S: it completes when the window is over."""
    order = shop.place(service("advice", 2))
    found = told(shop, order)
    assert (H.DELIVERED, F.NOT_REQUIRED, P.PAID) == (found.order, found.fulfilment, found.payment)
    shop.do(order.id, oc.CancelUnits(units=((LineId("advice"), 1),)))
    assert 1000 == shop.till.held(order.id)
    assert (H.DELIVERED, P.PARTIALLY_REFUNDED) == (
        told(shop, order).order,
        told(shop, order).payment,
    )
    shop.clock.forward(timedelta(days=29))
    assert H.DELIVERED is statuses(shop.service.advance(order.id)).order
    shop.do(order.id, oc.Cancel())
    assert (H.CANCELLED, P.REFUNDED) == (told(shop, order).order, told(shop, order).payment)
    assert 0 == shop.till.held(order.id)


def test_a_service_that_nobody_cancels_completes(shop: Shop) -> None:
    """S: the window of what needs no sending begins with the confirmation, and it wakes itself."""
    order = shop.place(service("advice", 1))
    shop.clock.forward(timedelta(days=32))
    assert 1 == len(shop.service.run_due(limit=5).served)
    assert H.COMPLETED is told(shop, order).order
    with pytest.raises(RefusedError, match="the order is completed"):
        shop.do(order.id, oc.Cancel())


def test_a_service_beside_goods_can_be_cancelled_when_they_have_arrived(shop: Shop) -> None:
    """O-5: cancel works on what remains after dispatch: the goods stay, the service goes."""
    order = shop.place(line("tea", 1), service("fitting", 1))
    sent(shop, order)
    assert H.DELIVERED is told(shop, order).order
    shop.do(order.id, oc.Cancel())
    assert (H.DELIVERED, P.PARTIALLY_REFUNDED) == (
        told(shop, order).order,
        told(shop, order).payment,
    )
    assert 1000 == shop.till.held(order.id)
    with pytest.raises(RefusedError, match="the order is delivered"):
        shop.do(order.id, oc.Cancel())
