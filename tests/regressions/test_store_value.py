"""Store value that changes while an order is being paid from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.adapters.memory import MemoryStore
from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.order.balance import balance
from ordercore.order.commands import Cancel
from ordercore.order.model import Order
from ordercore.payment.answers import Succeeded
from ordercore.payment.commands import CaptureNow, Outcome, ReportAnswer, ResolveOperation
from ordercore.payment.events import OperationDeclined
from ordercore.payment.intents import operation_key
from ordercore.payment.model import (
    STORE_VALUE,
    Operation,
    OperationStatus,
    Tender,
    TenderKind,
    account_stream,
)
from ordercore.payment.store_value import (
    HoldValue,
    IssueValue,
    ReleaseValue,
    ReturnValue,
    TakeValue,
)
from ordercore.ports.unit_of_work import ChangeSet, Committed
from ordercore.service.credit import CreditEngine, HoldOfOrderError
from ordercore.service.effects import Ports
from ordercore.service.sync import NoCarrier, run
from tests.laws.order_world import CARD, STAFF, Clock, Ids, Shop, eur, line
from tests.unit.service.test_credit import BY_HAND, sums

GIFT = Tender(
    id=TenderId("gift"),
    kind=TenderKind.GIFT_CARD,
    amount=eur(1000),
    gateway=STORE_VALUE,
    instrument="GC-7",
)


class Slow(MemoryStore):
    """A store in which something happens just before the first refusal is written."""

    def __init__(self, clock: Clock, happen: Callable[[], object]) -> None:
        super().__init__(clock)
        self._happen: Callable[[], object] | None = happen

    def commit(self, changes: ChangeSet) -> Committed:
        facts = (fact for change in changes.streams for fact in change.events)
        happen = self._happen
        if happen is not None and any(isinstance(fact, OperationDeclined) for fact in facts):
            self._happen = None
            happen()
        return super().commit(changes)


def test_a_refusal_counts_only_while_the_account_is_as_it_was_read() -> None:
    """PAY-1: value that came in before the refusal was written is found, and pays."""
    shop = Shop()

    def issue(name: str, minor: int) -> None:
        command = IssueValue(key=Key(name), amount=eur(minor))
        shop.service.credit.execute("GC-7", command, by=STAFF)

    shop.store = Slow(shop.clock, lambda: issue("lot-3", 1000))
    shop.service = shop.another()
    shop.receive("tea", 4)
    issue("lot-1", 1000)
    shop.place(line("tea", 1), tenders=(GIFT, CARD))
    second = shop.place(line("tea", 2), tenders=(GIFT, CARD))
    taken = [second.payment.book.of(tender.id).taken for tender in (GIFT, CARD)]
    assert [1000, 0] == taken
    assert 1000 == second.payment.book.of(CARD.id).authorised


def at_account(shop: Shop) -> tuple[int, int, int]:
    """What is free on the gift card, held and taken."""
    return sums(shop.service.credit.account("GC-7"))


def held_by(shop: Shop, order: Order) -> Key:
    """The hold of an order's gift card, which is its authorisation."""
    (found,) = order.payment.authorisations(GIFT.id)
    assert found.intent.key in shop.service.credit.account("GC-7").holds
    return found.intent.key


def spent_elsewhere(shop: Shop, order: Order, minor: int) -> None:
    """What is held is spent beside the service, as a store of another hand would have it."""
    ports = Ports(store=shop.store, payments=shop.till, carrier=NoCarrier(), ids=Ids("by-hand"))
    free = ReleaseValue(key=Key("by-hand"), hold=held_by(shop, order), amount=eur(minor))
    held = HoldValue(key=Key("till"), amount=eur(minor))
    sold = TakeValue(key=Key("sold"), hold=Key("till"), amount=eur(minor))
    for command in (free, held, sold):
        run(CreditEngine().serve(account_stream("GC-7"), command, by=STAFF), ports)


def test_only_the_order_moves_what_it_holds() -> None:
    """PAY-1: nobody takes, frees, gives back or copies the hold of an order at the account."""
    shop = Shop()
    shop.receive("tea", 1)
    credit = shop.service.credit
    credit.execute("GC-7", IssueValue(key=Key("lot"), amount=eur(5000)), by=STAFF)
    order = shop.place(line("tea", 1), tenders=(GIFT, CARD), terms=BY_HAND)
    hold, free = held_by(shop, order), Key("free")
    before = at_account(shop)
    for command in (
        ReleaseValue(key=free, hold=hold),
        TakeValue(key=free, hold=hold, amount=eur(1)),
        ReturnValue(key=free, hold=hold, amount=eur(1)),
        HoldValue(key=operation_key(order.id, Operation.AUTHORISE, GIFT.id, 2), amount=eur(1)),
        IssueValue(key=operation_key(order.id, Operation.CAPTURE, GIFT.id, 1), amount=eur(1)),
        ReleaseValue(key=Key(f"{hold}-rest"), hold=free),
    ):
        with pytest.raises(HoldOfOrderError):
            credit.execute("GC-7", command, by=STAFF)
    assert before == at_account(shop)
    shop.do(order.id, CaptureNow(amount=eur(1000)))
    assert (4000, 0, 1000) == at_account(shop)
    with pytest.raises(HoldOfOrderError):
        credit.execute("GC-7", ReturnValue(key=free, hold=hold, amount=eur(1000)), by=STAFF)


@pytest.mark.parametrize("operation", Operation)
def test_the_keys_of_orders_are_known(operation: Operation) -> None:
    """Whatever operation an order intends, its key is known as the order's own."""
    key = operation_key(OrderId("o"), operation, GIFT.id, 12)
    with pytest.raises(HoldOfOrderError):
        Shop().service.credit.execute("GC-7", IssueValue(key=key, amount=eur(1)), by=STAFF)


@pytest.mark.parametrize(("gone", "kept"), [(1000, 0), (400, 600)])
def test_a_hold_that_was_used_up_is_no_cover(gone: int, kept: int) -> None:
    """PAY-1, PAY-7: the taking is declined, the promise ends, and the card covers what is gone."""
    shop = Shop()
    shop.receive("tea", 1)
    lot = IssueValue(key=Key("lot"), amount=eur(1000))
    shop.service.credit.execute("GC-7", lot, by=STAFF)
    order = shop.place(line("tea", 1), tenders=(GIFT, CARD), terms=BY_HAND)
    spent_elsewhere(shop, order, gone)
    shop.do(order.id, CaptureNow(amount=eur(1000)))
    shop.rest(rounds=3)
    after = shop.load(order.id)
    live = [after.payment.book.of(tender.id).authorised for tender in (GIFT, CARD)]
    assert [kept, gone] == live
    assert (0, kept, gone) == at_account(shop)
    shop.do(order.id, CaptureNow(amount=eur(1000)))
    assert eur(1000) == balance(shop.load(order.id)).held
    assert (0, 0, 1000) == at_account(shop)


@pytest.mark.parametrize("gone", [1000, 400])
def test_a_cancelled_order_lets_go_of_what_is_left(gone: int) -> None:
    """PAY-1: the whole cannot be released any more; what is left of it is, and stays nobody's."""
    shop = Shop()
    shop.receive("tea", 1)
    lot = IssueValue(key=Key("lot"), amount=eur(1000))
    shop.service.credit.execute("GC-7", lot, by=STAFF)
    order = shop.place(line("tea", 1), tenders=(GIFT, CARD), terms=BY_HAND)
    spent_elsewhere(shop, order, gone)
    shop.do(order.id, Cancel())
    after = shop.load(order.id)
    assert 0 == after.payment.book.of(GIFT.id).authorised
    assert (1000 - gone, 0, gone) == at_account(shop)


def test_a_report_that_contradicts_a_gift_card_waits_for_a_person() -> None:
    """PAY-6: the account is not asked over and over about what a person must look at."""
    shop = Shop()
    shop.receive("tea", 10)
    shop.service.credit.execute("GC-7", IssueValue(key=Key("sold"), amount=eur(300)), by=STAFF)
    order = shop.place(line("tea", 2), tenders=(evolve(GIFT, amount=None),))
    declined = next(
        key
        for key, found in order.payment.operations.items()
        if found.status is OperationStatus.DECLINED
    )
    answer = Succeeded(reference=Reference("new"), amount=eur(5))
    told = ReportAnswer(key=declined, answer=answer, at=shop.clock())
    parked = shop.do(order.id, told).order.payment.operations[declined]
    assert OperationStatus.PARKED is parked.status
    shop.clock.forward(timedelta(minutes=16))
    resolved = ResolveOperation(key=declined, outcome=Outcome.NEVER_HAPPENED)
    after = shop.do(order.id, resolved).order.payment.operations[declined]
    assert not after.is_open
