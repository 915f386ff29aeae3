"""O-7 and R-5: an order that is made from an order, in one commit."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from attrs import evolve

from ordercore.adapters.sqlite import SqliteStore
from ordercore.errors import ConflictError, InvalidValueError, OrderCoreError, RefusedError
from ordercore.facts import Request
from ordercore.ids import CreditId, HoldKind, LineId, OrderId, ReturnId, StreamId
from ordercore.inventory.audit import audit
from ordercore.inventory.model import OutOfStockError
from ordercore.journal.entries import journal
from ordercore.money import EUR
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.link import LinkKind
from ordercore.order.linked import CREDIT, NoExchangeError, NotToSplitError
from ordercore.order.model import Order
from ordercore.order.parts import part_of, parts_of
from ordercore.order.refusals import StageOfLifeError
from ordercore.order.status import OrderStatus, order_status, statuses
from ordercore.order.terms import Blocks, ReleaseOn, Terms
from ordercore.payment.model import Operation
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.payment.status import PaymentStatus
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.model import PricedOrder, Tax
from ordercore.pricing.slots import InvalidSlotsError, SlotSet
from ordercore.pricing.totals import price
from ordercore.pricing.values import UnknownLineError
from ordercore.refund.model import CreditCause, PriceReduction, RefundItem, RefundRequest
from ordercore.returns import commands as rc
from ordercore.returns.model import Grade, ReturnPurpose, ReturnUnits
from ordercore.service.sync import OrderService
from tests.laws.order_world import BUYER, CARD, NORTH, Shop, basket, eur, line

TEA, CUP = LineId("tea"), LineId("cup")
PART, OTHER = OrderId("o-1-S1"), OrderId("o-1-X1")
BY_HAND = Terms(release_automatically=False)
AT_ONCE = evolve(BY_HAND, payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))
RMA = ReturnId("r-1")


@pytest.fixture
def shop() -> Shop:
    """Four of each are there."""
    opened = Shop()
    opened.receive("tea", 4)
    opened.receive("cup", 4)
    return opened


def taxed() -> PricedOrder:
    """Three units with a tax, and shipping: nothing divides evenly."""
    vat = Tax(code="VAT", rate=Fraction(19, 100))
    goods = tuple(
        evolve(line(name, 3, unit), taxes=(vat,)) for name, unit in (("tea", 333), ("cup", 101))
    )
    shipping = Charge(id="post", amount=eur(500), taxes=(vat,))
    return price(Draft(currency=EUR, lines=goods, charges=(shipping,)))


def split_of(*units: tuple[LineId, int]) -> oc.SplitOrder:
    return oc.SplitOrder(order=PART, units=units, tenders=(CARD,))


def placed(shop: Shop, terms: Terms = BY_HAND) -> Order:
    """Both items, with tax and shipping."""
    order = OrderId("o-1")
    shop.orders.append(order)
    return shop.service.place(
        taxed(), key="place", by=BUYER, order=order, terms=terms, tenders=(CARD,)
    ).order


def test_a_split_moves_units_debt_and_stock_in_one_commit(shop: Shop) -> None:
    """O-7: what one order lets go the other one has at once, though not one unit was free."""
    order = placed(shop)
    before = order.priced.total
    receipt = shop.do(order.id, split_of((TEA, 1), (CUP, 2)))
    part = shop.load(PART)
    assert before == balance(receipt.order).owed + part.priced.total
    assert {TEA: 1, CUP: 2} == {each.id: each.quantity for each in part.priced.lines}
    assert OrderStatus.CONFIRMED is order_status(part)
    assert (1, 2) == (part.stock.reserved(TEA), part.stock.reserved(CUP))
    assert (2, 1) == (receipt.order.stock.reserved(TEA), receipt.order.stock.reserved(CUP))
    (link,) = receipt.order.links
    assert (PART, LinkKind.SPLIT, eur(0)) == (link.order, link.kind, link.credit)
    assert evolve(link, order=order.id) == part.made_from
    commits = [{each.commit for each in shop.service.history(name)} for name in (order.id, PART)]
    assert 1 == len(commits[0] & commits[1])
    assert not list(audit(shop.store.ledger(), shop.store.all_counters()))


def test_the_last_unit_moves_without_being_free(shop: Shop) -> None:
    """I-4: nobody can take the units between the two orders, not even a waiting one."""
    order = shop.place(line("tea", 4), terms=BY_HAND)
    shop.do(order.id, split_of((TEA, 1)))
    assert 1 == shop.load(PART).stock.reserved(TEA)
    with pytest.raises(OutOfStockError):
        shop.place(line("tea", 1))


def test_held_money_moves_along(shop: Shop) -> None:
    """What was captured for the units pays for them there; nothing goes back and forth."""
    order = placed(shop, AT_ONCE)
    receipt = shop.do(order.id, split_of((TEA, 2)))
    part = shop.load(PART)
    assert part.priced.total == receipt.order.links[0].credit
    assert PaymentStatus.PAID is statuses(part).payment
    assert balance(receipt.order).held == balance(receipt.order).owed
    assert 0 == shop.till.moved(Operation.REFUND, order.id)
    assert [CREDIT] == [tender.id for tender in part.payment.tenders]


def test_the_books_of_both_orders_close(shop: Shop) -> None:
    """D-4: what leaves one order's books as exchange credit enters the other's."""
    order = placed(shop, AT_ONCE)
    shop.do(order.id, split_of((TEA, 2)))
    sums: Counter[str] = Counter()
    for name in (order.stream, StreamId(PART)):
        facts = [
            event for each in shop.service.history(OrderId(name)) for event in each.events[name]
        ]
        for entry in journal(facts):
            for row in entry.rows:
                sums[str(row.account)] += row.amount.minor
    credit = [amount for account, amount in sums.items() if "exchange_credit" in account]
    assert [0] == credit
    assert not [name for name in sums if "unknown" in name and sums[name]]


def test_holds_go_along(shop: Shop) -> None:
    """A part of an order that is looked at for fraud is looked at as well."""
    order = placed(shop)
    shop.do(order.id, oc.PlaceHold(kind=HoldKind("fraud"), blocks=(Blocks.CONFIRM,)))
    shop.do(order.id, split_of((TEA, 1)))
    part = shop.load(PART)
    assert ["fraud"] == [hold.kind for hold in part.holds]
    assert OrderStatus.PLACED is order_status(part)


def test_a_split_can_be_repeated_with_its_key(shop: Shop) -> None:
    """The same key makes no third order, and answers as it did."""
    order = placed(shop)
    first = shop.service.execute(order.id, split_of((TEA, 1)), key="split", by=BUYER)
    again = shop.service.execute(order.id, split_of((TEA, 1)), key="split", by=BUYER)
    assert again.replayed
    assert first.events == again.events
    assert 1 == len(again.order.links)


def test_a_part_lives_on_by_itself(shop: Shop) -> None:
    """It is sent, paid and completed, while the other is cancelled."""
    order = placed(shop)
    shop.do(order.id, split_of((TEA, 1)))
    shop.do(order.id, oc.Cancel())
    shop.do(PART, oc.AmendTerms(terms=Terms()))
    shop.service.advance(PART)
    part = shop.send_all(PART, deliver=True)
    assert OrderStatus.CANCELLED is order_status(shop.load(order.id))
    assert PaymentStatus.PAID is statuses(part).payment
    assert part.priced.total.minor == shop.till.held(PART)
    assert 0 == shop.till.held(order.id)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (split_of(), InvalidValueError),
        (split_of((TEA, 0)), InvalidValueError),
        (split_of((TEA, True)), InvalidValueError),
        (split_of((TEA, 1), (TEA, 1)), InvalidValueError),
        (split_of((TEA, 4)), RefusedError),
        (split_of((LineId("none"), 1)), UnknownLineError),
        (split_of((TEA, 3), (CUP, 3)), NotToSplitError),
        (evolve(split_of((TEA, 1)), order=OrderId("o-1")), StageOfLifeError),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(
    shop: Shop, command: Request, kind: type[OrderCoreError]
) -> None:
    """Nothing is written for it, to neither order."""
    order = placed(shop)
    with pytest.raises(kind):
        shop.do(order.id, command)
    assert order == shop.load(order.id)


def test_units_that_a_location_works_on_are_not_split(shop: Shop) -> None:
    """After release only the location can let go, and a question has no answer yet."""
    order = placed(shop, Terms())
    with pytest.raises(NotToSplitError, match="a location works on some"):
        shop.do(order.id, split_of((TEA, 1)))


def test_units_whose_price_was_lowered_are_not_split(shop: Shop) -> None:
    """They are worth less than their slots say; the sum of both orders would not be the old one."""
    order = placed(shop)
    lower = RefundRequest(
        id=CreditId("less"),
        cause=CreditCause.PRICE_REDUCTION,
        reductions=(PriceReduction(line=TEA, slots=SlotSet.of(2, 3), amount=eur(50)),),
    )
    shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, lower)))
    with pytest.raises(NotToSplitError, match="lowered"):
        shop.do(order.id, split_of((TEA, 1)))


@pytest.mark.parametrize("goodwill", [100, 1500, 3600])
@pytest.mark.parametrize("terms", [BY_HAND, AT_ONCE])
def test_goodwill_does_not_stand_in_the_way_of_a_split(
    shop: Shop, goodwill: int, terms: Terms
) -> None:
    """O-7, RF-1: what the rest has no room for goes along; debt and money are what they were."""
    order = placed(shop, terms)
    kind = RefundRequest(id=CreditId("k"), cause=CreditCause.GOODWILL, goodwill=eur(goodwill))
    kind = evolve(kind, goodwill=min(eur(goodwill), balance(order).owed))
    order = shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, kind))).order
    shop.rest(rounds=3)
    held = shop.till.held(order.id)
    shop.do(order.id, split_of((TEA, 2), (CUP, 1)))
    shop.rest(rounds=3)
    both = [shop.load(name) for name in (order.id, PART)]
    assert balance(order).owed.minor == sum(balance(each).owed.minor for each in both)
    assert held == sum(shop.till.held(each.id) for each in both)
    assert [eur(0)] * 2 == [balance(each).to_pay_back for each in both]
    for name in (order.id, PART):
        shop.do(name, oc.Cancel())
    assert [eur(0)] * 2 == [balance(shop.load(name)).owed for name in (order.id, PART)]


def test_a_name_that_is_taken_is_a_conflict(shop: Shop) -> None:
    """An order of that id is never touched by the split of another."""
    other = shop.place(line("cup", 1))
    order = shop.place(line("tea", 2), terms=BY_HAND)
    with pytest.raises(ConflictError):
        shop.do(order.id, evolve(split_of((TEA, 1)), order=other.id))
    assert () == shop.load(order.id).links


def test_parts_must_cover_each_slot_once() -> None:
    """A division that drops or doubles a unit is refused."""
    priced = basket(line("tea", 2))
    for division in (
        [{TEA: SlotSet.of(0, 1)}],
        [{TEA: SlotSet.of(0, 2)}, {TEA: SlotSet.of(1, 2)}],
        [],
    ):
        with pytest.raises(InvalidSlotsError):
            parts_of(priced, division)
    with pytest.raises(InvalidSlotsError):
        part_of(priced, {})


# --- exchange -----------------------------------------------------------------------------------


def came_back(shop: Shop, purpose: ReturnPurpose = ReturnPurpose.EXCHANGE) -> Order:
    """One of two units of tea is back, to be exchanged."""
    order = shop.place(line("tea", 2))
    shop.send_all(order.id, deliver=True)
    units = ReturnUnits(line=TEA, quantity=1)
    wish = rc.RequestReturn(return_id=RMA, items=(rc.ReturnWish(units=units),), purpose=purpose)
    shop.do(order.id, wish)
    shop.do(order.id, rc.ApproveReturn(return_id=RMA))
    shop.do(order.id, rc.ReceiveReturn(return_id=RMA, items=(units,), location=NORTH))
    found = rc.Finding(units=units, grade=Grade.A_NEW)
    return shop.do(order.id, rc.InspectReturn(return_id=RMA, results=(found,))).order


def exchange_of(shop: Shop, order: Order, unit: int, quantity: int = 1) -> oc.ExchangeGoods:
    """Cups for the unit of tea that came back."""
    items = ((TEA, order.returns.received[TEA]),)
    return oc.ExchangeGoods(
        order=OTHER,
        priced=basket(line("cup", quantity, unit)),
        quote=shop.service.quote_refund(order.id, items),
        return_id=RMA,
        tenders=(CARD,),
    )


@pytest.mark.parametrize(
    ("unit", "credit", "collected", "back"),
    [(1000, 1000, 0, 0), (1500, 1000, 500, 0), (600, 600, 0, 400)],
)
def test_an_exchange_collects_or_gives_back_the_difference(
    shop: Shop, unit: int, credit: int, collected: int, back: int
) -> None:
    """R-5: equal goods cost nothing; dearer ones the difference; cheaper ones give it back."""
    order = came_back(shop)
    receipt = shop.do(order.id, exchange_of(shop, order, unit))
    (link,) = receipt.order.links
    assert (LinkKind.EXCHANGE, eur(credit)) == (link.kind, link.credit)
    other = shop.send_all(OTHER, deliver=True)
    shop.rest(rounds=3)
    old = shop.load(order.id)
    assert PaymentStatus.PAID is statuses(other).payment
    assert eur(unit) == balance(other).held
    assert collected == shop.till.held(OTHER)
    assert back == shop.till.moved(Operation.REFUND, order.id)
    assert eur(1000) == balance(old).owed == balance(old).held


def test_a_claim_is_replaced_without_goods_back(shop: Shop) -> None:
    """R-5: what arrived broken is credited as a claim, and the same goes out again."""
    order = shop.place(line("tea", 2))
    order = shop.send_all(order.id, deliver=True)
    claim = RefundRequest(
        id=CreditId("broken"),
        cause=CreditCause.CLAIM,
        items=(RefundItem(line=TEA, slots=SlotSet.of(0, 1)),),
    )
    quote = shop.service.quote_refund(order.id, claim)
    command = oc.ExchangeGoods(order=OTHER, priced=basket(line("tea", 1)), quote=quote)
    receipt = shop.do(order.id, command)
    assert LinkKind.REPLACEMENT is receipt.order.links[0].kind
    assert OrderStatus.DELIVERED is order_status(shop.send_all(OTHER, deliver=True))
    assert 2000 == shop.till.held(order.id)


def test_an_exchange_without_stock_is_refused_as_a_whole(shop: Shop) -> None:
    """No credit is granted for goods that cannot go out."""
    order = came_back(shop)
    with pytest.raises(OutOfStockError):
        shop.do(order.id, exchange_of(shop, order, 100, quantity=9))
    assert order == shop.load(order.id)


def test_an_exchange_needs_a_return_for_it(shop: Shop) -> None:
    """Without goods that come back for an exchange there is nothing to exchange."""
    order = came_back(shop, ReturnPurpose.RETURN)
    command = exchange_of(shop, order, 1000)
    for wrong in (None, RMA, ReturnId("unknown")):
        with pytest.raises(NoExchangeError):
            shop.do(order.id, evolve(command, return_id=wrong))


def test_only_what_comes_back_is_exchanged(shop: Shop) -> None:
    """The credit of an exchange names units of its return only."""
    order = came_back(shop)
    quote = shop.service.quote_refund(order.id, ((TEA, SlotSet.of(0, 2)),))
    with pytest.raises(NoExchangeError, match="do not come back"):
        shop.do(order.id, evolve(exchange_of(shop, order, 1000), quote=quote))


def test_a_closed_return_brings_nothing_more(shop: Shop) -> None:
    """What never came back and is not awaited any more is not exchanged (R-1, R-5)."""
    order = shop.place(line("tea", 2))
    shop.send_all(order.id, deliver=True)
    units = ReturnUnits(line=TEA, quantity=1)
    wish = rc.RequestReturn(
        return_id=RMA, items=(rc.ReturnWish(units=units),), purpose=ReturnPurpose.EXCHANGE
    )
    shop.do(order.id, wish)
    order = shop.do(order.id, rc.CloseReturn(return_id=RMA)).order
    quote = shop.service.quote_refund(order.id, ((TEA, SlotSet.of(0, 1)),))
    command = oc.ExchangeGoods(
        order=OTHER,
        priced=basket(line("cup", 1, 1000)),
        quote=quote,
        return_id=RMA,
        tenders=(CARD,),
    )
    with pytest.raises(NoExchangeError):
        shop.do(order.id, command)


def test_a_split_moves_all_money_whatever_the_tolerance(shop: Shop) -> None:
    """O-7: held money follows its units to the cent, so that nothing is charged twice."""
    at_once = PaymentPolicy(capture=CaptureWhen.PLACEMENT)
    terms = Terms(release_automatically=False, tolerance=50, payment=at_once)
    order = shop.place(line("tea", 3, 10), terms=terms)
    shop.do(order.id, split_of((TEA, 1)))
    shop.rest(rounds=3)
    both = (order.id, PART)
    assert [20, 10] == [balance(shop.load(name)).held.minor for name in both]
    assert 30 == sum(shop.till.held(name) for name in both)


def test_money_of_a_cancelled_exchange_goes_back_where_it_came_from(shop: Shop) -> None:
    """R-5, RF-5: only the older order knows the card; it gets the money, and gives it back."""
    order = came_back(shop)
    terms = Terms(release_automatically=False)
    shop.do(order.id, evolve(exchange_of(shop, order, 1500), terms=terms))
    other = shop.do(OTHER, oc.Cancel()).order
    assert (eur(0), eur(0)) == (balance(other).held, balance(other).to_pay_back)
    commits = [{each.commit for each in shop.service.history(name)} for name in (order.id, OTHER)]
    assert 2 == len(commits[0] & commits[1])
    shop.rest(rounds=3)
    old = shop.load(order.id)
    assert eur(1000) == balance(old).held == balance(old).owed
    assert (1000, 0) == (shop.till.held(order.id), shop.till.held(OTHER))
    assert PaymentStatus.VOIDED is not statuses(shop.load(OTHER)).payment


def test_units_of_a_part_are_given_back_one_by_one(shop: Shop) -> None:
    """O-7: each cancel of a part sends its money through the older order, once."""
    order = shop.place(line("tea", 4), terms=AT_ONCE)
    shop.do(order.id, split_of((TEA, 3)))
    for left in (3, 2, 1):
        assert 1000 * (1 + left) == shop.till.held(order.id)
        shop.do(PART, oc.CancelUnits(units=((TEA, 1),)))
        shop.rest(rounds=2)
    assert 1000 == shop.till.held(order.id) == balance(shop.load(order.id)).held.minor
    assert eur(0) == balance(shop.load(PART)).held
    assert not list(audit(shop.store.ledger(), shop.store.all_counters()))


def test_a_hold_on_refunds_keeps_the_money_where_it_is(shop: Shop) -> None:
    """O-3: nothing goes back while a hold stops it; then it does, by itself."""
    order = shop.place(line("tea", 2), terms=AT_ONCE)
    shop.do(order.id, split_of((TEA, 1)))
    stop = HoldKind("fraud")
    shop.do(PART, oc.PlaceHold(kind=stop, blocks=(Blocks.REFUND,)))
    shop.do(PART, oc.Cancel())
    assert eur(1000) == balance(shop.load(PART)).to_pay_back
    released = shop.do(PART, oc.ReleaseHold(kind=stop)).order
    assert eur(0) == balance(released).held
    shop.rest(rounds=2)
    assert 1000 == shop.till.held(order.id)


def test_both_orders_are_read_back_from_a_file(tmp_path: Path) -> None:
    """On disk as in memory: two streams, one commit, links and holds as they were."""
    shop = Shop()
    shop.store = SqliteStore(tmp_path / "shop.db", clock=shop.clock)
    shop.service = shop.another()
    shop.receive("tea", 4)
    order = shop.place(line("tea", 4), terms=AT_ONCE)
    hold = oc.PlaceHold(
        kind=HoldKind("x"), blocks=(Blocks.SHIP,), release_on=ReleaseOn.ADDRESS_CHANGED
    )
    shop.do(order.id, hold)
    shop.do(order.id, split_of((TEA, 1)))
    before = shop.load(order.id), shop.load(PART)
    other = OrderService(
        store=SqliteStore(tmp_path / "shop.db", clock=shop.clock), payments=shop.till
    )
    assert before == (other.load(order.id), other.load(PART))
    assert eur(1000) == before[0].links[0].credit
    assert ReleaseOn.ADDRESS_CHANGED is before[1].holds[0].release_on
