"""Doors through which goods left on somebody's word or on trust, past the limit of who asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Final

import pytest
from attrs import define, evolve

from ordercore.facts import Request
from ordercore.fulfilment.decide import NotShippableError
from ordercore.ids import Actor, CreditId, HoldKind, LineId, OrderId, Reference, TenderId
from ordercore.money import Money
from ordercore.order import commands as oc
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment import commands as pc
from ordercore.payment.answers import Answer
from ordercore.payment.model import DueWhen, Operation, Tender, TenderKind
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.ports.gateways import PaymentCall
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, PriceReduction, RefundRequest
from ordercore.service.permissions import ApprovalNeededError, Grant, Permissions
from ordercore.service.sync import OrderService
from tests.laws.order_world import ACCOUNT, CARD, Fate, Ids, Shop, Till, basket, eur, line

ANN, BOB, KIM = Actor("clerk:ann"), Actor("clerk:bob"), Actor("lead:kim")
TEA, CUP = LineId("tea"), LineId("cup")
SECOND: Final = evolve(ACCOUNT, id=TenderId("second"))
AT_ONCE: Final = Terms(payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))
BY_HAND: Final = Terms(payment=PaymentPolicy(capture=CaptureWhen.MANUAL))
PLANNED: Final = Terms(release_automatically=False)
TRUSTING: Final = Terms(ship_before_paid=True)
Asked = tuple[Shop, Order, Request, int]


@define
class Patient(Till):
    """A till that can let an authorisation last longer."""

    def extend(self, call: PaymentCall) -> Answer:
        return self._call(call)


def _sold(*fates: Fate, terms: Terms = AT_ONCE, tender: Tender = CARD) -> tuple[Shop, Order]:
    """Two teas at 10.00 each."""
    shop = Shop()
    shop.receive("tea", 9)
    shop.receive("cup", 9)
    shop.till.fates.extend(fates)
    return shop, shop.place(line("tea", 2), terms=terms, tenders=(tender,))


def _resolved(order: Order, operation: Operation, outcome: pc.Outcome) -> pc.ResolveOperation:
    found = next(one for one in order.payment.of(operation) if one.is_open)
    return pc.ResolveOperation(key=found.intent.key, outcome=outcome)


def _authorised() -> Asked:
    """Nobody knows whether the card was authorised; somebody says that it was."""
    shop, order = _sold(Fate.LOST_CALL)
    return shop, order, _resolved(order, Operation.AUTHORISE, pc.Outcome.SUCCEEDED), 2000


def _captured() -> Asked:
    """Nobody knows whether the money was taken; somebody says that it was."""
    shop, order = _sold(Fate.FINE, Fate.LOST_CALL)
    return shop, order, _resolved(order, Operation.CAPTURE, pc.Outcome.SUCCEEDED), 2000


def _not_voided() -> Asked:
    """Nobody knows whether it was let go; somebody says that it still stands."""
    shop, order = _sold(Fate.FINE, terms=Terms())
    shop.till.fates.append(Fate.LOST_ANSWER)
    order = shop.do(order.id, pc.VoidAuthorisation(tender=CARD.id)).order
    shop.clock.forward(timedelta(days=2))
    return shop, order, _resolved(order, Operation.VOID, pc.Outcome.NEVER_HAPPENED), 2000


def _extended() -> Asked:
    """Nobody knows whether it lasts longer; somebody says that it does."""
    shop = Shop(till=Patient(able=Capabilities(extend=True)))
    shop.receive("tea", 9)
    terms = Terms(payment=PaymentPolicy(renew_before=timedelta(days=2)))
    order = shop.place(line("tea", 2), terms=terms)
    shop.till.fates.append(Fate.LOST_CALL)
    shop.clock.forward(timedelta(days=6))
    order = shop.service.advance(order.id)
    return shop, order, _resolved(order, Operation.EXTEND, pc.Outcome.SUCCEEDED), 2000


def _recorded() -> Asked:
    """Somebody says that money came in."""
    shop, order = _sold(Fate.DECLINED)
    paid = pc.RecordPayment(tender=CARD.id, amount=eur(2000), reference=Reference("slip"))
    return shop, order, paid, 2000


def _later(tender: Tender, *fates: Fate, minor: int = 2000) -> Callable[[], Asked]:
    """Somebody adds a tender of a later day."""

    def asked() -> Asked:
        shop, order = _sold(*fates, terms=Terms())
        return shop, order, pc.AddTender(tender=tender), minor

    return asked


def _vouched() -> Asked:
    """Somebody confirms what is not paid and need not be before it leaves."""
    shop, order = _sold(Fate.DECLINED, terms=TRUSTING)
    return shop, order, oc.Confirm(), 2000


def _served() -> Asked:
    """Somebody confirms what is not paid, and a part of it is nothing that could be kept back."""
    shop = Shop()
    shop.till.fates.append(Fate.DECLINED)
    advice = evolve(line("advice", 1), tracks_stock=False, needs_fulfilment=False)
    return shop, shop.place(advice), oc.Confirm(), 1000


def _split() -> Asked:
    """A tea that was authorised becomes an order that is paid later."""
    shop, order = _sold(terms=PLANNED)
    units = ((TEA, 1),)
    split = oc.SplitOrder(order=OrderId("part"), units=units, tenders=(SECOND,))
    return shop, order, split, 1000


def _exchanged(terms: Terms = AT_ONCE, tender: Tender = SECOND) -> Asked:
    """A new order for little credit, the rest of which is paid later."""
    shop, order = _sold(terms=terms)
    shop.send_all(order.id, deliver=True)
    item = RefundRequest(id=CreditId("c"), cause=CreditCause.CLAIM, goodwill=eur(1))
    swap = oc.ExchangeGoods(
        order=OrderId("x"),
        priced=basket(line("cup", 3)),
        quote=shop.service.quote_refund(order.id, item),
        tenders=(tender,),
    )
    return shop, shop.load(order.id), swap, 2999


def _more(terms: Terms = AT_ONCE, tender: Tender = ACCOUNT) -> Asked:
    """More goods on an order that is paid later."""
    shop, order = _sold(terms=terms, tender=tender)
    shop.do(order.id, oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1))))
    return shop, shop.load(order.id), oc.ConfirmAmendment(proposal="p"), 1000


def _let_go() -> Asked:
    """The goods have left, their money is authorised, and somebody lets it go."""
    shop, order = _sold(terms=BY_HAND)
    order = shop.send_all(order.id)
    return shop, order, pc.VoidAuthorisation(tender=CARD.id), 2000


def _not_kept_back() -> Asked:
    """What was confirmed for an authorisation, and leaves also without it."""
    shop, order = _sold(terms=TRUSTING)
    return shop, order, pc.VoidAuthorisation(tender=CARD.id), 2000


def _the_other_half() -> Asked:
    """Half of what may leave unpaid is covered, until somebody lets that go."""
    shop = Shop()
    shop.receive("tea", 9)
    shop.till.fates += (Fate.FINE, Fate.DECLINED)
    half = evolve(CARD, amount=eur(1000))
    other = evolve(CARD, id=TenderId("other"))
    order = shop.place(line("tea", 2), terms=TRUSTING, tenders=(half, other))
    order = shop.do(order.id, oc.Confirm()).order
    return shop, order, pc.VoidAuthorisation(tender=half.id), 1000


def _sent_and_forgiven() -> Asked:
    """Half of what has left is owed no more when its cover is let go."""
    shop, order = _sold(terms=BY_HAND)
    shop.send_all(order.id)
    kind = RefundRequest(id=CreditId("c"), cause=CreditCause.GOODWILL, goodwill=eur(1000))
    shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, kind)))
    return shop, shop.load(order.id), pc.VoidAuthorisation(tender=CARD.id), 1000


def _once_more_on_account() -> Asked:
    """The part on account is paid, the rest is not; then the rest is to be paid later, too."""
    shop = Shop()
    shop.receive("tea", 9)
    shop.till.fates.append(Fate.DECLINED)
    half = evolve(ACCOUNT, amount=eur(1000))
    order = shop.place(line("tea", 2), tenders=(half, CARD))
    paid = pc.RecordPayment(tender=half.id, amount=eur(1000), reference=Reference("slip"))
    order = shop.do(order.id, paid).order
    return shop, order, pc.AddTender(tender=evolve(SECOND, amount=eur(1000))), 1000


def _trusted_with_the_rest() -> Asked:
    """Three quarters are paid; new terms let the goods leave before the rest is."""
    shop, order = _sold(Fate.DECLINED, terms=Terms())
    paid = pc.RecordPayment(tender=CARD.id, amount=eur(1500), reference=Reference("slip"))
    order = shop.do(order.id, paid).order
    return shop, order, oc.AmendTerms(terms=evolve(order.terms, ship_before_paid=True)), 500


def _two_reasons() -> Asked:
    """Goods that may leave before they are paid are confirmed once their money is on account."""
    shop, order = _sold(Fate.DECLINED, terms=TRUSTING)
    return shop, order, pc.AddTender(tender=ACCOUNT), 2000


ON_DELIVERY: Final = Tender(id=TenderId("door"), kind=TenderKind.CASH_ON_DELIVERY)
TRANSFER: Final = Tender(id=TenderId("bank"), kind=TenderKind.BANK_TRANSFER, due=DueWhen.INVOICE)
BY_DAY: Final = Tender(
    id=TenderId("day"), kind=TenderKind.CASH, due=DueWhen.DATE, due_on=date(2027, 1, 1)
)
DOORS: Final[dict[str, Callable[[], Asked]]] = {
    "authorised": _authorised,
    "captured": _captured,
    "not voided": _not_voided,
    "extended": _extended,
    "recorded": _recorded,
    "on account": _later(ACCOUNT, Fate.DECLINED),
    "a part on account": _later(evolve(ACCOUNT, amount=eur(500)), Fate.DECLINED, minor=500),
    "on delivery": _later(ON_DELIVERY, Fate.DECLINED),
    "by invoice": _later(TRANSFER, Fate.DECLINED),
    "by a day": _later(BY_DAY, Fate.DECLINED),
    "while another is asked": _later(ACCOUNT, Fate.LOST_CALL),
    "while another stands": _later(ACCOUNT),
    "vouched": _vouched,
    "served": _served,
    "split": _split,
    "exchanged": _exchanged,
    "exchanged before it is paid": partial(_exchanged, TRUSTING, CARD),
    "more": _more,
    "more before it is paid": partial(_more, TRUSTING, CARD),
    "let go": _let_go,
    "not kept back": _not_kept_back,
    "the other half": _the_other_half,
    "sent and forgiven": _sent_and_forgiven,
    "once more on account": _once_more_on_account,
    "trusted with the rest": _trusted_with_the_rest,
    "two reasons": _two_reasons,
}


def _desk(shop: Shop, limit: int) -> OrderService:
    table = Permissions(
        grants=(
            Grant(role="clerk", command="*", limit=eur(limit)),
            Grant(role="lead", command="*"),
        )
    )
    return OrderService(store=shop.store, payments=shop.till, ids=Ids("p"), permissions=table)


@pytest.mark.parametrize("door", DOORS)
def test_what_leaves_unpaid_is_weighed(door: str) -> None:
    """Permissions: above the limit a second person is needed, and nothing is written before."""
    shop, order, command, minor = DOORS[door]()
    desk = _desk(shop, minor - 1)
    for second in (None, ANN, BOB):
        with pytest.raises(ApprovalNeededError) as caught:
            desk.execute(order.id, command, by=ANN, approved_by=second)
        assert eur(minor) == caught.value.amount
    assert order == shop.load(order.id)
    assert desk.execute(order.id, command, by=ANN, approved_by=KIM).events


@pytest.mark.parametrize("door", DOORS)
def test_within_the_limit_one_person_is_enough(door: str) -> None:
    """Permissions: the limit itself is still within."""
    shop, order, command, minor = DOORS[door]()
    assert _desk(shop, minor).execute(order.id, command, by=ANN).events


def test_an_invented_authorisation_sends_nothing() -> None:
    """F-4: the goods stay until a second person has vouched for the money as well."""
    shop, order, command, minor = _authorised()
    desk = _desk(shop, minor - 1)
    with pytest.raises(ApprovalNeededError):
        desk.execute(order.id, command, by=ANN)
    assert 0 == shop.send_all(order.id).fulfilment.totals.dispatched
    desk.execute(order.id, command, by=ANN, approved_by=KIM)
    assert 2 == shop.send_all(order.id).fulfilment.totals.dispatched


def test_limits_are_not_added_up() -> None:
    """Permissions: each request is weighed by itself, however many there are."""
    shop, order, _, _ = _later(ACCOUNT, Fate.DECLINED)()
    desk = _desk(shop, 1000)
    for name in ("first", "second"):
        half = evolve(ACCOUNT, id=TenderId(name), amount=eur(1000))
        desk.execute(order.id, pc.AddTender(tender=half), by=ANN)
    assert 2 == shop.send_all(order.id).fulfilment.totals.dispatched


def _undone() -> Asked:
    """A discount on goods that are paid later is taken back: no more of them leave for it."""
    shop, order = _sold(tender=ACCOUNT, terms=PLANNED)
    cheaper = PriceReduction(line=TEA, slots=SlotSet.of(0, 2), amount=eur(600))
    shop.do(order.id, oc.ProposeAmendment(proposal="p", reductions=(cheaper,)))
    order = shop.do(order.id, oc.ConfirmAmendment(proposal="p")).order
    return shop, order, oc.UndoAmendment(proposal="p"), 0


def _still_later() -> Asked:
    """A part of an order that is paid later is paid later too."""
    shop, order = _sold(tender=ACCOUNT, terms=PLANNED)
    split = oc.SplitOrder(order=OrderId("part"), units=((TEA, 1),), tenders=(SECOND,))
    return shop, order, split, 0


def _at_once() -> Asked:
    """Another tender that has to pay before anything leaves."""
    return _later(evolve(CARD, id=TenderId("other")), Fate.DECLINED, minor=0)()


def _waits() -> Asked:
    """Confirmed by hand, it still does not leave before it is paid."""
    shop, order = _sold(Fate.DECLINED)
    return shop, order, oc.Confirm(), 0


def _kept() -> Asked:
    """An authorisation is let go while the goods are still there."""
    shop, order = _sold(terms=Terms())
    return shop, order, pc.VoidAuthorisation(tender=CARD.id), 0


def _unconfirmed() -> Asked:
    """It is let go before anybody has confirmed that goods may leave unpaid."""
    shop, order = _sold(terms=evolve(TRUSTING, holds_at_placement=(HoldKind("review"),)))
    return shop, order, pc.VoidAuthorisation(tender=CARD.id), 0


def _partly_paid() -> Asked:
    """One more tender of a later day for a debt that is on account, and partly paid."""
    shop, order = _sold(tender=ACCOUNT, terms=PLANNED)
    paid = pc.RecordPayment(tender=ACCOUNT.id, amount=eur(500), reference=Reference("slip"))
    order = shop.do(order.id, paid).order
    return shop, order, pc.AddTender(tender=evolve(SECOND, amount=eur(500))), 0


def _served_no_more() -> Asked:
    """What could not be kept back is cancelled; the goods wait for their money."""
    shop = Shop()
    shop.receive("tea", 9)
    shop.till.fates.append(Fate.DECLINED)
    advice = evolve(line("advice", 1), tracks_stock=False, needs_fulfilment=False)
    order = shop.place(advice, line("tea", 1))
    order = shop.do(order.id, oc.CancelUnits(units=((LineId("advice"), 1),))).order
    return shop, order, oc.Confirm(), 0


def _nothing_taken() -> Asked:
    """Somebody says that a call came to nothing: then it covers nothing."""
    shop, order = _sold(Fate.LOST_CALL)
    shop.clock.forward(timedelta(days=2))
    return shop, order, _resolved(order, Operation.AUTHORISE, pc.Outcome.NEVER_HAPPENED), 0


@pytest.mark.parametrize(
    "ask",
    [
        _undone,
        _still_later,
        _at_once,
        _waits,
        _kept,
        _unconfirmed,
        _partly_paid,
        _served_no_more,
        _nothing_taken,
    ],
)
def test_what_lets_nothing_leave_has_no_limit(ask: Callable[[], Asked]) -> None:
    """Permissions: where no more can leave than before, nobody needs a second person."""
    shop, order, command, _ = ask()
    assert _desk(shop, 0).execute(order.id, command, by=ANN).events


def test_confirmed_by_hand_does_not_leave_unpaid() -> None:
    """F-4: why such a confirmation needs no second person."""
    shop, order, command, _ = _waits()
    _desk(shop, 0).execute(order.id, command, by=ANN)
    with pytest.raises(NotShippableError):
        shop.send_all(order.id)
    assert Money.zero(order.priced.currency) == shop.load(order.id).dispatched_value
