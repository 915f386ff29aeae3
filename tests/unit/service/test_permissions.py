from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from attrs import evolve

from ordercore.adapters.memory import MemoryStore
from ordercore.errors import InvalidValueError
from ordercore.facts import Request
from ordercore.ids import Actor, CreditId, ItemId, Key, LineId, OrderId, Reference, TenderId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR, USD, Money
from ordercore.order import commands as oc
from ordercore.order.amend import UnknownProposalError
from ordercore.order.party import Destination
from ordercore.order.terms import Terms
from ordercore.payment import commands as pc
from ordercore.payment.store_value import IssueValue, ReturnValue
from ordercore.ports.unit_of_work import ChangeSet, Committed, StreamKind
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.model import (
    ChargeCredit,
    CreditCause,
    PriceReduction,
    RefundItem,
    RefundRequest,
)
from ordercore.service.permissions import (
    ApprovalNeededError,
    ApproverNotEntitledError,
    Grant,
    InvalidGrantError,
    NotPermittedError,
    Permissions,
)
from ordercore.service.sync import OrderService
from tests.laws.order_world import CARD, NORTH, Ids, Shop, basket, eur, line

ANN, BOB = Actor("staff:ann"), Actor("staff:bob")
EVE, DAN = Actor("lead:eve"), Actor("lead:dan")
TABLE = Permissions(
    grants=(
        Grant(role="staff", command="AddNote"),
        Grant(role="staff", command="RecordRefund", limit=eur(5000)),
        Grant(role="staff", command="Refund", limit=eur(50)),
        Grant(role="lead", command="*", limit=eur(100_000)),
        Grant(role="owner", command="*"),
    )
)


def paid_back(minor: int) -> Request:
    return pc.RecordRefund(tender=TenderId("card"), amount=eur(minor), reference=Reference("slip"))


def test_without_grants_everything_passes() -> None:
    """No table: the host decides elsewhere."""
    Permissions().check(Actor("anybody"), oc.Cancel())


def test_a_role_without_the_right_is_refused() -> None:
    """The refusal names role and command."""
    with pytest.raises(NotPermittedError) as caught:
        TABLE.check(ANN, oc.Cancel())
    assert ("staff", "Cancel") == (caught.value.role, caught.value.command)
    TABLE.check(ANN, oc.AddNote(text="x"))
    TABLE.check(EVE, oc.Cancel())
    with pytest.raises(NotPermittedError):
        TABLE.check(Actor("customer:1"), oc.AddNote(text="x"))


def test_an_amount_within_the_limit_passes() -> None:
    """The limit itself is still within."""
    TABLE.check(ANN, paid_back(5000))
    with pytest.raises(ApprovalNeededError) as caught:
        TABLE.check(ANN, paid_back(5001))
    assert {"command": "RecordRefund", "amount": eur(5001)} == caught.value.facts


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (ANN, "who asks cannot approve"),
        (BOB, "it is beyond the limit of staff"),
        (Actor("customer:1"), "customer has no grant for it"),
    ],
)
def test_a_second_person_must_be_another_with_a_grant_that_reaches(second: Actor, why: str) -> None:
    """Oneself, a colleague with the same limit, or a stranger cannot approve, and hears why."""
    with pytest.raises(ApproverNotEntitledError, match=f"of another person: {why}[.]$"):
        TABLE.check(ANN, paid_back(5001), approved_by=second)


def test_a_second_person_with_the_right_approves() -> None:
    """Up to the second person's own limit, whoever asks."""
    TABLE.check(ANN, paid_back(5001), approved_by=EVE)
    TABLE.check(EVE, paid_back(100_001), approved_by=Actor("owner:pat"))
    with pytest.raises(ApprovalNeededError):
        TABLE.check(EVE, paid_back(100_001), approved_by=DAN)


def test_a_limit_in_another_currency_covers_nothing() -> None:
    """Euros say nothing about dollars."""
    command = pc.RecordRefund(
        tender=TenderId("card"), amount=Money(1, USD), reference=Reference("slip")
    )
    with pytest.raises(ApprovalNeededError):
        TABLE.check(ANN, command)


def test_a_debt_that_is_let_go_counts_as_money() -> None:
    """A credit on an order that is not paid yet is limited like a refund."""
    shop = Shop()
    shop.receive("tea", 5)
    service = OrderService(store=shop.store, payments=shop.till, ids=Ids("p"), permissions=TABLE)
    order = service.place(
        basket(line("tea", 1)), key="k", by=Actor("owner:pat"), tenders=(CARD,)
    ).order
    wanted = RefundRequest(id=CreditId("c"), cause=CreditCause.GOODWILL, goodwill=eur(51))
    refund = oc.Refund(quote=service.quote_refund(order.id, wanted))
    assert 0 == refund.quote.pay_back.minor
    with pytest.raises(ApprovalNeededError):
        service.execute(order.id, refund, by=ANN)
    after = service.execute(order.id, refund, by=ANN, approved_by=EVE).order
    assert (eur(51),) == tuple(credit.amount for credit in after.credits)


def test_what_is_allowed_says_why_not() -> None:
    """The order's own reason comes first, then the missing right; both services say the same."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    service = OrderService(store=shop.store, payments=shop.till, permissions=TABLE)
    table = service.allowed(order.id, by=ANN)
    assert table[oc.AddNote] is None
    assert "Confirm is not possible: the order is confirmed." == str(table[oc.Confirm])
    assert "staff may not Cancel; ask somebody who may." == str(table[oc.Cancel])
    assert service.allowed(order.id, by=EVE)[oc.Cancel] is None
    assert OrderService(store=shop.store, payments=shop.till).allowed(order.id)[oc.Cancel] is None


def test_an_exchange_counts_as_the_refund_that_it_is() -> None:
    """The credit of an exchange has the limit of money, not of a new order."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1, 200_000))
    wanted = RefundRequest(id=CreditId("c"), cause=CreditCause.GOODWILL, goodwill=eur(150_000))
    quote = shop.service.quote_refund(order.id, wanted)
    command = oc.ExchangeGoods(order=OrderId("x"), priced=basket(line("cup", 1)), quote=quote)
    with pytest.raises(ApprovalNeededError):
        TABLE.check(EVE, command)
    TABLE.check(EVE, command, approved_by=Actor("owner:zoe"))


def test_the_second_person_stands_on_the_timeline() -> None:
    """Who approved is kept with the reason of the commit."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    service = OrderService(store=shop.store, payments=shop.till, permissions=TABLE)
    wanted = RefundRequest(id=CreditId("c"), cause=CreditCause.GOODWILL, goodwill=eur(60))
    refund = oc.Refund(quote=shop.service.quote_refund(order.id, wanted))
    with pytest.raises(ApprovalNeededError):
        service.execute(order.id, refund, by=ANN, reason="sorry")
    service.execute(order.id, refund, by=ANN, approved_by=EVE, reason="sorry")
    reasons = [each.reason for each in shop.service.history(order.id)]
    assert "sorry (approved by lead:eve)" in reasons


LIMITED = Permissions(
    grants=(
        Grant(role="staff", command="ProposeAmendment"),
        Grant(role="staff", command="ConfirmAmendment", limit=eur(100)),
        Grant(role="lead", command="*", limit=eur(100_000)),
    )
)
ALL_FOR_LESS = PriceReduction(line=LineId("tea"), slots=SlotSet.of(0, 3), amount=eur(900))

changed = partial(oc.ProposeAmendment, proposal="p")


def limited() -> tuple[Shop, OrderService, OrderId]:
    """An order of three units at 10.00 with shipping at 4.00, and staff who may give 1.00."""
    shop = Shop()
    shop.receive("tea", 9)
    shop.receive("cup", 9)
    service = OrderService(store=shop.store, payments=shop.till, ids=Ids("p"), permissions=LIMITED)
    shipping = Charge(id="post", amount=eur(400))
    priced = price(Draft(currency=EUR, lines=(line("tea", 3),), charges=(shipping,)))
    terms = Terms(release_automatically=False)
    order = shop.service.place(priced, key="k", by=ANN, tenders=(CARD,), terms=terms).order
    return shop, service, order.id


@pytest.mark.parametrize(
    ("change", "amount"),
    [
        (changed(reductions=(ALL_FOR_LESS,)), 900),
        (changed(charges=(ChargeCredit(charge="post"),)), 400),
        (changed(removals=((LineId("tea"), 2),)), 2267),
        (
            changed(removals=((LineId("tea"), 3),), addition=basket(line("cup", 3))),
            3400,
        ),
    ],
)
def test_an_amendment_counts_as_what_it_takes_away(
    change: oc.ProposeAmendment, amount: int
) -> None:
    """
    Reductions, charges and removals are limited like a refund; what is added makes no room.

    With its units goes their share of shipping.
    """
    _, service, order = limited()
    service.execute(order, change, by=ANN)
    confirm = oc.ConfirmAmendment(proposal="p")
    with pytest.raises(ApprovalNeededError) as caught:
        service.execute(order, confirm, by=ANN, key="yes")
    assert {"command": "ConfirmAmendment", "amount": eur(amount)} == caught.value.facts
    assert () == service.load(order).credits
    done = service.execute(order, confirm, by=ANN, approved_by=EVE, key="yes")
    assert (eur(amount),) == tuple(credit.amount for credit in done.order.credits)
    again = service.execute(order, confirm, by=ANN, approved_by=EVE, key="yes")
    assert again.replayed
    assert done.events == again.events


def test_an_amendment_within_the_limit_passes() -> None:
    """Little is taken away, or nothing; and what the order refuses, the order explains."""
    _, service, order = limited()
    confirm = oc.ConfirmAmendment(proposal="p")
    little = changed(charges=(ChargeCredit(charge="post", amount=eur(100)),))
    service.execute(order, little, by=ANN)
    assert 1 == len(service.execute(order, confirm, by=ANN).order.credits)
    service.execute(order, changed(destination=Destination(country="IT")), by=ANN)
    assert 1 == len(service.execute(order, confirm, by=ANN).order.credits)
    with pytest.raises(UnknownProposalError):
        service.execute(order, confirm, by=ANN)


class Swapped(MemoryStore):
    """A store in which somebody offers another change right before a commit."""

    happen: Callable[[], object] | None = None

    def commit(self, changes: ChangeSet) -> Committed:
        happen, self.happen = self.happen, None
        if happen is not None:
            happen()
        return super().commit(changes)


def test_what_was_weighed_is_what_is_confirmed() -> None:
    """A proposal that is exchanged for a dearer one of the same name is not carried out."""
    shop = Shop()
    store = Swapped(shop.clock)
    shop.store, shop.service = store, OrderService(store=store, payments=shop.till)
    shop.receive("tea", 9)
    order = shop.place(line("tea", 3), terms=Terms(release_automatically=False))
    service = OrderService(store=store, payments=shop.till, ids=Ids("p"), permissions=LIMITED)
    service.execute(order.id, changed(destination=Destination(country="IT")), by=ANN)

    def swap() -> None:
        shop.do(order.id, oc.DeclineAmendment(proposal="p"))
        shop.do(order.id, changed(removals=((LineId("tea"), 3),)))

    store.happen = swap
    with pytest.raises(ApprovalNeededError):
        service.execute(order.id, oc.ConfirmAmendment(proposal="p"), by=ANN)
    assert () == service.load(order.id).credits


@pytest.mark.parametrize("bad", [7, "", "staff:\u200bann", "x" * 300, b"lead:eve", [], "\ud800"])
def test_who_is_nobody_neither_asks_nor_approves(bad: Any) -> None:  # noqa: ANN401 - it is bad on purpose
    """X-4: what is no actor is refused by a typed error, whatever the table says of him."""
    shop, service, order = limited()
    calls: tuple[Callable[[], object], ...] = (
        lambda: service.execute(order, oc.Cancel(), by=EVE, approved_by=bad),
        lambda: service.execute(order, oc.Cancel(), by=bad),
        lambda: service.place(basket(line("tea", 1)), key="x", by=bad),
        lambda: service.allowed(order, by=bad),
        lambda: service.credit.execute("a", issue(1), by=bad),
        lambda: service.credit.execute("a", issue(1), by=EVE, approved_by=bad),
    )
    for call in calls:
        with pytest.raises(InvalidValueError):
            call()
    assert 1 == sum(1 for _ in shop.store.streams(kind=StreamKind.ORDER, limit=9))


def issue(minor: int) -> IssueValue:
    """A gift."""
    return IssueValue(key=Key("gift"), amount=eur(minor))


def test_one_person_with_two_spellings_is_one() -> None:
    """The second person is compared in the normal form of an id."""
    table = Permissions(grants=(Grant(role="lead", command="*", limit=eur(10)),))
    own, same = Actor("lead:Andr\u00e9"), Actor("lead:Andre\u0301")
    with pytest.raises(ApprovalNeededError):
        table.check(own, paid_back(11), approved_by=same)


def test_money_of_an_account_that_comes_back_has_a_limit() -> None:
    """What an account gets back is limited as what it is issued."""
    back = ReturnValue(key=Key("r"), hold=Key("h"), amount=eur(100_001))
    for command in (back, issue(100_001)):
        with pytest.raises(ApprovalNeededError):
            LIMITED.check(EVE, command, approved_by=DAN)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Permissions(grants=loose([Grant(role="a", command="*")])),
        lambda: Permissions(grants=loose(("staff",))),
        lambda: Grant(role=loose(None), command="*"),
        lambda: Grant(role="a", command=""),
        lambda: Grant(role="a", command=loose(oc.Cancel)),
        lambda: Grant(role="a", command="ReportAnswer"),
        lambda: Grant(role="a", command="*", limit=loose(50)),
        lambda: Grant(role="a", command="*", limit=eur(-1)),
    ],
)
def test_a_table_that_is_none_is_refused(bad: Callable[[], object]) -> None:
    """A right must not be guessed at: what is no grant is refused when the table is written."""
    with pytest.raises(InvalidGrantError):
        bad()


def loose(value: object) -> Any:  # noqa: ANN401 - it is bad on purpose
    """A value without its type, as untyped code would pass it."""
    return value


@pytest.mark.parametrize("command", ["ReceiveStock", "AdjustStock"])
def test_stock_is_moved_by_those_who_may(command: str) -> None:
    """An operation on stock is a request like any other: it needs a grant."""
    shop = Shop()
    table = Permissions(grants=(Grant(role="store", command=command),))
    service = OrderService(store=shop.store, payments=shop.till, permissions=table)
    row = ReceivedLine(item=ItemId("tea"), location=NORTH, quantity=5)
    receive = ReceiveStock(lines=(row,))
    for by in (Actor("stranger:1"), Actor("system")):
        with pytest.raises(NotPermittedError):
            service.stock.execute(receive, by=by)
    if command == "ReceiveStock":
        service.stock.execute(receive, by=Actor("store:kim"))
    else:
        with pytest.raises(NotPermittedError):
            service.stock.execute(receive, by=Actor("store:kim"))
    assert (command == "ReceiveStock") == bool(shop.store.counters((ItemId("tea"),)))


@pytest.mark.parametrize("terms", [None, Terms(tolerance=10**6, release_automatically=False)])
def test_a_split_under_other_terms_is_weighed(terms: Terms | None) -> None:
    """What moves is owed as before; terms that the new order alone has may let all of it go."""
    shop = Shop()
    shop.receive("tea", 3)
    order = shop.place(line("tea", 3), terms=Terms(release_automatically=False))
    table = Permissions(grants=(Grant(role="staff", command="*", limit=eur(100)),))
    service = OrderService(store=shop.store, payments=shop.till, ids=Ids("p"), permissions=table)
    split = oc.SplitOrder(
        order=OrderId("part"), units=((LineId("tea"), 1),), tenders=(CARD,), terms=terms
    )
    if terms is None:
        assert 1 == len(service.execute(order.id, split, by=ANN).order.links)
        return
    with pytest.raises(ApprovalNeededError) as caught:
        service.execute(order.id, split, by=ANN)
    assert eur(1000) == caught.value.amount
    assert order == service.load(order.id)


def test_an_exchange_under_other_terms_is_weighed() -> None:
    """New goods that need not be paid are given away."""
    shop = Shop()
    shop.receive("tea", 1)
    shop.receive("cup", 1)
    order = shop.send_all(shop.place(line("tea", 1, 50)).id, deliver=True)
    table = Permissions(grants=(Grant(role="staff", command="*", limit=eur(100)),))
    service = OrderService(store=shop.store, payments=shop.till, ids=Ids("p"), permissions=table)
    item = RefundItem(line=LineId("tea"), slots=SlotSet.of(0, 1))
    wanted = RefundRequest(id=CreditId("c"), cause=CreditCause.CLAIM, items=(item,))
    command = oc.ExchangeGoods(
        order=OrderId("x"),
        priced=basket(line("cup", 1)),
        quote=service.quote_refund(order.id, wanted),
        tenders=(CARD,),
    )
    generous = evolve(command, terms=Terms(tolerance=10**6))
    with pytest.raises(ApprovalNeededError) as caught:
        service.execute(order.id, generous, by=ANN)
    assert eur(1000) == caught.value.amount
    assert 1 == len(service.execute(order.id, command, by=ANN).order.links)
