"""O-5: cancel works on what remains, at any point of the money and of the goods; O-6: expiry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.errors import RefusedError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import ParcelStatus
from ordercore.ids import CreditId, HoldKind, LineId, ParcelId, Reference
from ordercore.moment import Period
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.guards import NotPossibleError
from ordercore.order.model import Order
from ordercore.order.rules import open_units
from ordercore.order.status import Flag, OrderStatus, order_status, statuses
from ordercore.order.terms import Blocks, Terms
from ordercore.payment import commands as pc
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.payment.status import PaymentStatus
from ordercore.process.due import due
from ordercore.refund.model import CreditCause, RefundRequest
from tests.laws.order_world import ACCOUNT, CARD, Fate, Shop, eur, gift, line

TEA, CUP = LineId("tea"), LineId("cup")
AT_ONCE = PaymentPolicy(capture=CaptureWhen.PLACEMENT)
MANUAL = PaymentPolicy(capture=CaptureWhen.MANUAL)


def place(shop: Shop, payment: PaymentPolicy | None = None, *, release: bool = False) -> Order:
    """Three teas and a cup, ten euros each."""
    policy = PaymentPolicy() if payment is None else payment
    terms = Terms(payment=policy, release_automatically=release)
    return shop.place(line("tea", 3), line("cup", 1), terms=terms)


def authorised(shop: Shop) -> Order:
    return place(shop)


def declined(shop: Shop) -> Order:
    shop.till.fates.append(Fate.DECLINED)
    return place(shop)


def partly_captured(shop: Shop) -> Order:
    order = place(shop, MANUAL)
    return shop.do(order.id, pc.CaptureNow(amount=eur(1500))).order


def captured(shop: Shop) -> Order:
    return place(shop, AT_ONCE)


def partly_refunded(shop: Shop) -> Order:
    order = place(shop, AT_ONCE)
    kind = RefundRequest(id=CreditId("c"), cause=CreditCause.GOODWILL, goodwill=eur(500))
    return shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, kind))).order


def with_a_location(shop: Shop) -> Order:
    return place(shop, release=True)


def partly_dispatched(shop: Shop) -> Order:
    order = place(shop, release=True)
    (work,) = order.fulfilment.open_orders
    item = fc.PackItem(line=TEA, quantity=1)
    shop.do(order.id, fc.PackParcel(parcel=ParcelId("p"), fulfilment=work.id, items=(item,)))
    return shop.do(order.id, fc.Dispatch(parcel=ParcelId("p"))).order


def partly_delivered(shop: Shop) -> Order:
    order = partly_dispatched(shop)
    shop.deliver(order.id, ParcelId("p"))
    return shop.load(order.id)


BEFORE = (
    authorised,
    declined,
    partly_captured,
    captured,
    partly_refunded,
    with_a_location,
    partly_dispatched,
    partly_delivered,
)
WHAT: dict[str, tuple[Request, int]] = {
    "the whole": (oc.Cancel(reason="mind"), 4),
    "a line": (oc.CancelUnits(units=((CUP, 1),)), 1),
    "units": (oc.CancelUnits(units=((TEA, 1),)), 1),
}


@pytest.fixture
def shop() -> Shop:
    """Nine are there of everything."""
    opened = Shop()
    for name in ("tea", "cup"):
        opened.receive(name, 9)
    return opened


def answer(shop: Shop, order: Order, *, agree: bool) -> Order:
    """The locations that were asked say yes or no."""
    for work in shop.load(order.id).fulfilment.open_orders:
        if work.asked:
            yes, no = fc.AcceptCancel(fulfilment=work.id), fc.RefuseCancel(fulfilment=work.id)
            shop.do(order.id, yes if agree else no)
    shop.rest(rounds=3)
    return shop.load(order.id)


def reserved(shop: Shop, order: Order) -> int:
    return sum(row.reserved for row in shop.store.allocations(order.stream))


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("before", BEFORE, ids=lambda each: each.__name__)
def test_cancel_works_on_what_remains(
    shop: Shop, before: Callable[[Shop], Order], what: str
) -> None:
    """Whatever was captured, refunded or sent: debt, money and stock are those of what stays."""
    request, most = WHAT[what]
    order = before(shop)
    left = len(order.fulfilment.dispatched.get(TEA, ()))
    owed, refunded = balance(order).owed.minor, 500 if before is partly_refunded else 0
    shop.do(order.id, request)
    order = answer(shop, order, agree=True)
    gone = min(most, 4 - left)
    sums = balance(order)
    assert max(0, owed - 1000 * gone) == sums.owed.minor
    assert 4 - left - gone == sum(open_units(order, known) for known in order.priced.lines)
    assert 4 - left - gone == reserved(shop, order)
    assert not sums.to_pay_back.is_positive
    assert sums.held.minor == shop.till.held(order.id) <= sums.owed.minor
    if gone + left == 4:
        assert 0 == sums.totals.authorised.minor, "what is owed no more is let go"
        assert 1000 * left == sums.held.minor
    assert refunded <= shop.till.moved(Operation.REFUND, order.id)
    assert (order_status(order) is OrderStatus.CANCELLED) is (gone == 4)


def test_void_first_then_refund_the_rest(shop: Shop) -> None:
    """What was only authorised is let go before what was captured is sent back."""
    order = partly_captured(shop)
    shop.do(order.id, oc.Cancel())
    moved = [(call.operation, call.amount.minor) for call in shop.till.calls[2:]]
    assert [(Operation.VOID, 2500), (Operation.REFUND, 1500)] == moved


@pytest.mark.parametrize("before", [with_a_location, partly_dispatched])
def test_a_location_may_refuse_a_cancel(shop: Shop, before: Callable[[Shop], Order]) -> None:
    """After release a cancel is a request: refused, nothing has changed, and the goods go."""
    order = before(shop)
    owed, held = balance(order).owed, reserved(shop, order)
    asked = shop.do(order.id, oc.Cancel()).order
    assert all(work.asked for work in asked.fulfilment.open_orders)
    assert (owed, held) == (balance(asked).owed, reserved(shop, asked))
    with pytest.raises(RefusedError):
        shop.do(order.id, oc.Cancel())
    order = answer(shop, order, agree=False)
    assert (owed, held) == (balance(order).owed, reserved(shop, order))
    shop.send_all(order.id)
    assert 4000 == shop.till.held(order.id)
    with pytest.raises(NotPossibleError, match="the order is fulfilled"):
        shop.do(order.id, oc.Cancel())


def test_a_cancel_that_meets_a_capture_in_flight_ends_with_the_money_back(shop: Shop) -> None:
    """Nothing goes back while nobody knows; when the capture turns out to have landed, all does."""
    order = place(shop, MANUAL)
    shop.till.fates.append(Fate.LOST_ANSWER)
    shop.do(order.id, pc.CaptureNow())
    order = shop.do(order.id, oc.Cancel()).order
    assert Flag.IN_DOUBT in statuses(order).flags
    assert 0 == shop.till.moved(Operation.REFUND, order.id)
    shop.rest()
    order = shop.load(order.id)
    assert 4000 == shop.till.moved(Operation.REFUND, order.id)
    assert PaymentStatus.REFUNDED is statuses(order).payment


# --- O-6 ----------------------------------------------------------------------------------------

WAITS = Terms(holds_at_placement=(HoldKind("review"),))


def after_the_deadline(shop: Shop, order: Order) -> Order:
    shop.clock.forward(timedelta(days=8))
    shop.rest(rounds=4)
    return shop.load(order.id)


def test_a_gift_card_part_goes_back_when_an_order_expires(shop: Shop) -> None:
    """O-6: the card was declined, so what the gift card held or paid is free again."""
    shop.till.able = Capabilities(authorisation_lifetime=timedelta(days=30))
    shop.till.fates.extend([Fate.FINE, Fate.DECLINED])
    order = shop.place(line("tea", 3), tenders=(gift(500), CARD))
    assert OrderStatus.PLACED is order_status(order)
    order = after_the_deadline(shop, order)
    assert OrderStatus.EXPIRED is order_status(order)
    sums = balance(order)
    assert (0, 0, 0) == (sums.owed.minor, sums.held.minor, sums.totals.authorised.minor)
    assert 0 == shop.till.held(order.id) == reserved(shop, order)
    back = shop.till.moved(Operation.VOID, order.id) + shop.till.moved(Operation.REFUND, order.id)
    assert 500 == back


def test_what_is_paid_in_full_does_not_expire(shop: Shop) -> None:
    """O-6: paid by transfer before its deadline, it waits for whoever reviews it."""
    transfer = evolve(ACCOUNT, amount=eur(3000))
    order = shop.place(line("tea", 3), tenders=(transfer,), terms=WAITS)
    paid = pc.RecordPayment(tender=ACCOUNT.id, amount=eur(3000), reference=Reference("bank"))
    shop.do(order.id, paid)
    assert OrderStatus.PLACED is order_status(after_the_deadline(shop, order))


def test_what_has_left_does_not_expire(shop: Shop) -> None:
    """O-6: an order that a carrier has, confirmed or not, does not end."""
    order = shop.place(line("tea", 1), terms=WAITS)
    order = shop.do(order.id, oc.ReleaseHold(kind=HoldKind("review"))).order
    parcel = shop.pack(order.id)
    assert parcel is not None
    moved = fc.ReportTracking(parcel=parcel, status=ParcelStatus.IN_TRANSIT, at=shop.clock())
    shop.do(order.id, moved)
    unconfirmed = evolve(shop.load(order.id), confirmed_at=None)
    shop.clock.forward(timedelta(days=8))
    assert "ExpireOrder" not in {type(task).__name__ for task in due(unconfirmed, shop.clock())}


def test_a_question_without_an_answer_postpones_the_expiry(shop: Shop) -> None:
    """O-6: unresolved intents postpone it; once it is known that nothing was taken, it ends."""
    shop.till.fates.append(Fate.LOST_CALL)
    order = shop.place(line("tea", 1), terms=Terms(confirm_within=Period(minutes=1)))
    shop.clock.forward(timedelta(minutes=2))
    assert OrderStatus.PLACED is order_status(shop.service.advance(order.id))
    hold = oc.PlaceHold(kind=HoldKind("review"), blocks=(Blocks.CONFIRM,))
    shop.do(order.id, hold)
    shop.rest()
    order = shop.load(order.id)
    assert OrderStatus.EXPIRED is order_status(order)
    assert 0 == balance(order).totals.authorised.minor
