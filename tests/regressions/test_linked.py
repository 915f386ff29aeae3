"""Orders made from orders, and divided orders: what once got lost on the way must not again."""

from __future__ import annotations

import pytest
from attrs import evolve

from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import WorkStatus
from ordercore.ids import (
    CreditId,
    HoldKind,
    ItemId,
    LineId,
    LocationId,
    OrderId,
    Reference,
    TenderId,
)
from ordercore.inventory.audit import audit
from ordercore.inventory.commands import PolicyLine, SetStockPolicy
from ordercore.inventory.model import StockPlace, StockPolicy
from ordercore.money import EUR, Money, sum_money
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.groups import DeliveryGroup, GroupFixedError
from ordercore.order.linked import CREDIT, NotToSplitError
from ordercore.order.model import Order
from ordercore.order.party import Destination
from ordercore.order.terms import Terms
from ordercore.payment.commands import RecordPayment
from ordercore.payment.model import Tender, TenderKind
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.ports.unit_of_work import OrderExistsError
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest
from tests.laws.order_world import BUYER, CARD, STAFF, Shop, basket, eur, gift, line

TEA = LineId("tea")
PART = OrderId("o-1-S1")
WEB = LocationId("web")
BY_HAND = Terms(release_automatically=False)
AT_ONCE = evolve(BY_HAND, payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))
BOUND = evolve(BY_HAND, bound_by=(WEB,))
GIFT = DeliveryGroup(id="gift", units=((TEA, 1),), destination=Destination(country="IT"))


def split_of(units: int, terms: Terms | None = None) -> oc.SplitOrder:
    """So many units of tea become an order of their own."""
    return oc.SplitOrder(order=PART, units=((TEA, units),), tenders=(CARD,), terms=terms)


def bound_shop() -> Shop:
    """Ten units are there; the web may sell five of them."""
    shop = Shop()
    shop.receive("tea", 10)
    policy = PolicyLine(item=ItemId("tea"), location=WEB, policy=StockPolicy(allotment=True))
    shop.service.stock.execute(SetStockPolicy(lines=(policy,)), by=STAFF)
    shop.receive("tea", 5, WEB)
    return shop


def sold(shop: Shop) -> int:
    """How much of the allotment is taken; the ledger agrees with the counters."""
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))
    return shop.store.counters((ItemId("tea"),))[StockPlace(ItemId("tea"), WEB)].reserved


def test_an_order_with_delivery_groups_is_not_split() -> None:
    """O-7, O-8: the goods of a group once went to the address of the order, without its gift."""
    shop = Shop()
    shop.receive("tea", 4)
    order = shop.place(line("tea", 4), terms=BY_HAND)
    shop.do(order.id, oc.ChangeGroups(groups=(GIFT,)))
    with pytest.raises(NotToSplitError, match="delivery groups"):
        shop.do(order.id, split_of(1))
    shop.do(order.id, oc.ChangeGroups(groups=()))
    shop.do(order.id, split_of(1))
    assert 1 == shop.load(PART).stock.reserved(TEA)


def test_a_split_keeps_the_allotment_of_the_units_that_move() -> None:
    """I-11: a part once freed its allotment, and others could sell the units again."""
    shop = bound_shop()
    order = shop.place(line("tea", 5), terms=BOUND)
    shop.do(order.id, split_of(2))
    assert 5 == sold(shop)
    assert [(WEB, 2)] == [(at.location, at.reserved) for at in shop.load(PART).stock.allotments]
    shop.do(PART, oc.Cancel())
    assert 3 == sold(shop)


def test_a_split_into_other_allotments_is_refused() -> None:
    """I-11: units that were sold through one channel are not sold through another as well."""
    shop = bound_shop()
    order = shop.place(line("tea", 5), terms=BOUND)
    with pytest.raises(NotToSplitError, match="allotments"):
        shop.do(order.id, split_of(2, BY_HAND))
    assert 5 == sold(shop)


def test_a_split_places_no_hold_anew_that_somebody_has_released() -> None:
    """O-7: a part was once stopped for a check that its order had passed."""
    review, fraud = HoldKind("review"), HoldKind("fraud")
    shop = Shop()
    shop.receive("tea", 4)
    order = shop.place(line("tea", 4), terms=evolve(BY_HAND, holds_at_placement=(review, fraud)))
    shop.do(order.id, oc.ReleaseHold(kind=review))
    before = shop.load(order.id).holds
    shop.do(order.id, split_of(1))
    assert [fraud] == [hold.kind for hold in before]
    assert before == shop.load(PART).holds
    later = evolve(split_of(1), order=OrderId("o-1-S2"))
    checked = evolve(BY_HAND, holds_at_placement=(review, HoldKind("new")))
    shop.do(order.id, evolve(later, terms=checked))
    assert {fraud, "new"} == {hold.kind for hold in shop.load(OrderId("o-1-S2")).holds}


def works(order: Order) -> dict[str, int]:
    """By group, the units of tea that somebody shall send."""
    return {
        work.group: sum(known.remaining for known in work.lines)
        for work in order.fulfilment.open_orders
    }


def divided(groups: tuple[DeliveryGroup, ...] = ()) -> tuple[Shop, Order]:
    """Four units of tea, planned and released by nobody, in these groups."""
    shop = Shop()
    shop.receive("tea", 4)
    order = shop.place(line("tea", 4), terms=BY_HAND)
    return shop, shop.do(order.id, oc.ChangeGroups(groups=groups)).order


def test_groups_that_change_are_planned_anew() -> None:
    """O-8: units that were planned already once went to the address that they had before."""
    shop, order = divided()
    assert {"": 4} == works(order)
    order = shop.do(order.id, oc.ChangeGroups(groups=(GIFT,))).order
    assert {"gift": 1, "": 3} == works(order)
    moved = evolve(GIFT, destination=Destination(country="CH"))
    rest = {work.id for work in order.fulfilment.open_orders if not work.group}
    order = shop.do(order.id, oc.ChangeGroups(groups=(moved,))).order
    assert {"gift": 1, "": 3} == works(order)
    assert rest == {work.id for work in order.fulfilment.open_orders if not work.group}
    order = shop.do(order.id, oc.ChangeGroups(groups=())).order
    assert {"": 4} == works(order)
    assert 4 == order.stock.reserved(TEA)


def test_groups_of_goods_without_stock_are_planned_anew() -> None:
    """O-8: what is made to order has no stock to take back, but work that is planned."""
    made = evolve(line("tea", 4), tracks_stock=False)
    shop = Shop()
    order = shop.place(made, terms=BY_HAND)
    assert {"": 4} == works(order)
    order = shop.do(order.id, oc.ChangeGroups(groups=(GIFT,))).order
    assert {"gift": 1, "": 3} == works(order)


def test_a_group_whose_work_is_released_is_not_changed() -> None:
    """O-8: units without a named group could once be divided while somebody packed them."""
    shop, order = divided()
    (work,) = order.fulfilment.open_orders
    shop.do(order.id, fc.ReleaseFulfilment(fulfilment=work.id))
    with pytest.raises(GroupFixedError, match="without a name"):
        shop.do(order.id, oc.ChangeGroups(groups=(GIFT,)))
    shop, order = divided((GIFT,))
    gift = next(work for work in order.fulfilment.open_orders if work.group == "gift")
    shop.do(order.id, fc.HoldFulfilment(fulfilment=gift.id, reason="look at it"))
    with pytest.raises(GroupFixedError, match="gift"):
        shop.do(order.id, oc.ChangeGroups(groups=()))
    assert WorkStatus.HELD is shop.load(order.id).fulfilment.orders[gift.id].status


def test_units_that_a_new_price_takes_over_keep_their_allotment() -> None:
    """I-11: a line under a new price once held units that its channel had not sold any more."""
    shop = bound_shop()
    order = shop.place(line("tea", 5), terms=BOUND)
    cheaper = evolve(line("tea", 3, 900), id=LineId("tea-2"))
    shop.do(
        order.id,
        oc.ProposeAmendment(proposal="p", addition=basket(cheaper), removals=((TEA, 3),)),
    )
    order = shop.do(order.id, oc.ConfirmAmendment(proposal="p")).order
    assert 5 == sold(shop)
    sums = {at.line: at.reserved for at in order.stock.allotments}
    assert {TEA: 2, "tea-2": 3} == sums
    shop.do(order.id, oc.Cancel())
    assert 0 == sold(shop)


def test_only_what_is_taken_over_keeps_its_allotment() -> None:
    """I-11: units that go back may be sold again by their channel."""
    shop = bound_shop()
    order = shop.place(line("tea", 5), terms=BOUND)
    fewer = evolve(line("tea", 1, 900), id=LineId("tea-2"))
    shop.do(
        order.id, oc.ProposeAmendment(proposal="p", addition=basket(fewer), removals=((TEA, 3),))
    )
    shop.do(order.id, oc.ConfirmAmendment(proposal="p"))
    assert 3 == sold(shop)


@pytest.mark.parametrize("kind", ["split", "exchange"])
def test_a_new_order_does_not_get_the_name_of_another(kind: str) -> None:
    """O-7, R-5: the answer once was to read again and retry, which can never help."""
    shop = Shop()
    shop.receive("tea", 9)
    other = shop.place(line("tea", 1))
    order = shop.place(line("tea", 4), terms=BY_HAND)
    command: oc.SplitOrder | oc.ExchangeGoods = evolve(split_of(1), order=other.id)
    if kind == "exchange":
        order = shop.place(line("tea", 2))
        shop.send_all(order.id, deliver=True)
        item = RefundItem(line=TEA, slots=SlotSet.of(0, 1))
        request = RefundRequest(id=CreditId("c-1"), cause=CreditCause.CLAIM, items=(item,))
        quote = shop.service.quote_refund(order.id, request)
        command = oc.ExchangeGoods(order=other.id, priced=basket(line("tea", 1)), quote=quote)
    with pytest.raises(OrderExistsError) as caught:
        shop.do(order.id, command)
    assert other.stream == caught.value.stream
    assert () == shop.load(order.id).links


def paid_and_split(shop: Shop, *tenders: Tender) -> Order:
    """Two units of tea are paid at once, and one becomes an order of its own."""
    shop.receive("tea", 9)
    order = shop.place(line("tea", 2), terms=AT_ONCE, tenders=tenders)
    return shop.do(order.id, split_of(1)).order


def add_to(shop: Shop, order: Order, minor: int) -> Order:
    """One more unit of tea, at another price, and what follows from it."""
    more = evolve(line("tea", 1, minor), id=LineId("more"))
    shop.do(order.id, oc.ProposeAmendment(proposal="more", addition=basket(more)))
    shop.do(order.id, oc.ConfirmAmendment(proposal="more"))
    shop.rest()
    return shop.load(order.id)


@pytest.mark.parametrize("amount", [None, 2000])
def test_a_card_collects_again_after_its_money_has_moved_on(amount: int | None) -> None:
    """O-7: what had gone to the part once counted as paid here, so nothing was due any more."""
    shop = Shop()
    card = evolve(CARD, amount=None if amount is None else eur(amount))
    order = paid_and_split(shop, card)
    order = add_to(shop, order, 700)
    assert (eur(1700), eur(1700)) == (balance(order).owed, balance(order).held)
    assert 2700 == shop.till.held(order.id)
    shop.do(order.id, oc.Cancel())
    shop.rest()
    order = shop.load(order.id)
    assert (eur(0), eur(0)) == (balance(order).held, balance(order).to_pay_back)
    assert 1000 == shop.till.held(order.id)


def test_a_gift_card_and_a_card_each_get_back_what_did_not_move_on() -> None:
    """O-7, RF-5: the money that moved on is charged to the tender that can be charged again."""
    shop = Shop()
    order = paid_and_split(shop, gift(500), CARD)
    passed = {one.id: order.payment.book.of(one.id).passed_on for one in order.payment.tenders}
    assert {gift(500).id: 0, CARD.id: 1000} == passed
    assert eur(1000) == balance(add_to(shop, order, 700)).owed - eur(700)
    shop.do(order.id, oc.Cancel())
    shop.rest()
    order = shop.load(order.id)
    assert (eur(0), eur(0)) == (balance(order).held, balance(order).to_pay_back)
    assert [0, 0] == [order.payment.book.of(one.id).brought for one in order.payment.tenders]


CASH = Tender(id=TenderId("cash"), kind=TenderKind.CASH, amount=eur(500))


def counted(shop: Shop, order: OrderId, *references: str) -> None:
    """A person writes down a euro of cash for each of these."""
    for reference in references:
        one = RecordPayment(tender=CASH.id, amount=eur(100), reference=Reference(reference))
        shop.do(order, one)


def cash_of(order: Order) -> Money:
    """What was recorded of cash."""
    known = order.payment.recorded.values()
    return sum_money((one.amount for one in known if one.tender == CASH.id), EUR)


def test_a_split_does_not_write_over_what_a_person_has_recorded() -> None:
    """O-7, PAY-3: cash under the reference that the core takes once vanished from the books."""
    shop = Shop()
    shop.receive("tea", 9)
    order = shop.place(line("tea", 2), terms=AT_ONCE, tenders=(CARD, CASH))
    counted(shop, order.id, f"to-{PART}", f"to-{PART}-2", *"abc")
    before = balance(shop.load(order.id)).held
    shop.do(order.id, split_of(1))
    after = [balance(shop.load(name)) for name in (order.id, PART)]
    assert eur(2000) == before == after[0].held + after[1].held
    assert [eur(1000)] * 2 == [sums.owed for sums in after]
    assert eur(500) == cash_of(shop.load(order.id))


def test_money_on_its_way_back_writes_over_nothing() -> None:
    """O-7, RF-5: neither the first nor the second time that a part gives money back."""
    shop = Shop()
    shop.receive("tea", 9)
    order = shop.place(line("tea", 4), terms=AT_ONCE, tenders=(CARD, CASH))
    counted(shop, order.id, *(f"back-from-{PART}-{number}" for number in range(1, 6)))
    shop.do(order.id, split_of(3))
    for left in (2000, 1000):
        shop.do(PART, oc.CancelUnits(units=((TEA, 1),)))
        shop.rest(rounds=2)
        both = [shop.load(name) for name in (order.id, PART)]
        assert [eur(1500), eur(left)] == [balance(each).held for each in both]
        assert eur(500) == balance(both[0]).to_pay_back, "a person gives the cash back"
        assert (eur(500), eur(1000)) == (cash_of(both[0]), balance(both[0]).owed)


def test_money_that_a_part_passes_back_writes_over_nothing() -> None:
    """O-7, RF-5: what was paid to the part too much once was gone from both orders."""
    shop = Shop()
    order = paid_and_split(shop, CARD)
    taken = Reference(f"back-to-{order.id}-2")
    shop.do(PART, RecordPayment(tender=CREDIT, amount=eur(1), reference=taken))
    recorded = shop.load(PART).payment.recorded
    assert (eur(1), False) == (recorded[taken].amount, recorded[taken].is_refund)
    assert eur(1000) == balance(shop.load(PART)).held


@pytest.mark.parametrize("name", ["4111111111111111", "411111111111111"])
def test_a_long_number_as_a_name_does_not_stop_the_money(name: str) -> None:
    """O-7, PAY-8: the reference of what went back was refused: it looked like a card number."""
    shop = Shop()
    shop.receive("tea", 9)
    order = shop.place(line("tea", 2), terms=AT_ONCE, tenders=(CARD,))
    shop.do(order.id, evolve(split_of(1), order=OrderId(name)))
    shop.do(OrderId(name), oc.Cancel())
    shop.rest(rounds=2)
    assert 1000 == shop.till.held(order.id)
    assert () == shop.store.failing()


def test_a_long_number_as_the_name_of_the_older_order_does_not_stop_the_money() -> None:
    """O-7, PAY-8: nor was there a part of it, nor did anything come back from one."""
    shop = Shop()
    shop.receive("tea", 9)
    name, goods = OrderId("4111111111111111"), basket(line("tea", 2))
    shop.service.place(goods, key="k", by=BUYER, order=name, terms=AT_ONCE, tenders=(CARD,))
    shop.do(name, split_of(1))
    shop.do(PART, oc.Cancel())
    shop.rest(rounds=2)
    assert 1000 == shop.till.held(name)
    assert () == shop.store.failing()
