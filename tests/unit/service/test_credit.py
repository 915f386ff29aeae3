"""Orders that are paid from accounts of store value, in one commit with them (RULES PAY-1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from ordercore.adapters.aio import ThreadedStore
from ordercore.adapters.memory import MemoryStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.errors import ConflictError
from ordercore.ids import Actor, HoldKind, Key, LineId, OrderId, TenderId
from ordercore.money import EUR, USD, Money
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.order.status import OrderStatus, order_status, statuses
from ordercore.order.terms import Terms
from ordercore.payment.account import Account
from ordercore.payment.commands import CaptureNow, RetryPayment
from ordercore.payment.model import (
    STORE_VALUE,
    InvalidPaymentError,
    Operation,
    Tender,
    TenderKind,
    account_stream,
)
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.payment.status import PaymentStatus
from ordercore.payment.store_value import (
    HoldValue,
    InsufficientValueError,
    IssueValue,
    UnknownAccountError,
    ValueKeyReusedError,
)
from ordercore.ports.unit_of_work import ChangeSet, Committed, StoreBusyError, StreamKind
from ordercore.service.aio import AsyncOrderService
from ordercore.service.permissions import (
    ApprovalNeededError,
    Grant,
    NotPermittedError,
    Permissions,
)
from ordercore.service.sync import OrderService
from tests.contracts.life import AsyncTill
from tests.laws.order_world import BUYER, CARD, STAFF, Ids, Shop, basket, eur, line

CARD_7 = account_stream("GC-7")
IDLE = Terms(release_automatically=False)
BY_HAND = evolve(IDLE, payment=PaymentPolicy(capture=CaptureWhen.MANUAL))


def gift(minor: int | None = 3000, kind: TenderKind = TenderKind.GIFT_CARD) -> Tender:
    """A tender that is paid from the account GC-7."""
    return Tender(
        id=TenderId("gift"),
        kind=kind,
        amount=None if minor is None else eur(minor),
        gateway=STORE_VALUE,
        instrument="GC-7",
    )


@pytest.fixture(params=["memory", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A shop with ten units of tea and a gift card of 50.00 in two lots."""
    made = Shop()
    if request.param == "sqlite":
        made.store = SqliteStore(tmp_path / "shop.db", clock=made.clock)
        made.service = made.another()
    made.receive("tea", 10)
    issue(made, "lot-1", 2000, days=365)
    issue(made, "lot-2", 3000)
    yield made
    made.store.close()


def issue(shop: Shop, name: str, minor: int, *, days: int | None = None) -> None:
    """Add a lot to the gift card."""
    ends = None if days is None else shop.clock.now + timedelta(days=days)
    shop.service.credit.execute(
        "GC-7", IssueValue(key=Key(name), amount=eur(minor), expires_at=ends), by=STAFF
    )


def left(shop: Shop) -> int:
    """What the gift card can still pay, in cents."""
    return shop.service.credit.account("GC-7").available(shop.clock.now).minor


def sums(account: Account) -> tuple[int, int, int]:
    """What is free, held and taken, in cents."""
    free = sum(lot.left.minor for lot in account.lots.values())
    held = sum(part.amount.minor for hold in account.holds.values() for part in hold.open)
    taken = sum(part.amount.minor for hold in account.holds.values() for part in hold.taken)
    return free, held, taken


def at_gift_card(shop: Shop) -> tuple[int, int, int]:
    """What is free on the gift card, held and taken."""
    return sums(shop.service.credit.account("GC-7"))


# --- a life ---------------------------------------------------------------------------------------


def test_a_gift_card_and_a_card_pay_an_order(shop: Shop) -> None:
    """Taken when the order is confirmed, the rest from the card; nobody is called for it."""
    order = shop.place(line("tea", 5), tenders=(gift(), CARD))
    assert (2000, 0, 3000) == at_gift_card(shop)
    assert OrderStatus.CONFIRMED is order_status(order)
    assert [(Operation.AUTHORISE, eur(2000))] == [(c.operation, c.amount) for c in shop.till.calls]
    sent = shop.send_all(order.id)
    assert (2000, 0, 3000) == at_gift_card(shop)
    assert PaymentStatus.PAID is statuses(sent).payment
    assert 2000 == shop.till.held(order.id)


def test_the_account_and_the_order_stand_in_one_commit(shop: Shop) -> None:
    """One commit writes both streams: the value moves with the order or not at all."""
    order = shop.place(line("tea", 2), tenders=(gift(2000),))
    (placed, *_) = shop.service.history(order.id)
    (*_, held) = shop.service.history(OrderId(CARD_7))
    assert placed.commit == held.commit
    assert (CARD_7,) == shop.store.streams(kind=StreamKind.CREDIT)


def test_a_cancelled_order_releases_what_it_held(shop: Shop) -> None:
    """O-5: while it is only held it is released, all of it, to its own lots."""
    order = shop.place(line("tea", 5), tenders=(gift(), CARD), terms=BY_HAND)
    assert (2000, 3000, 0) == at_gift_card(shop)
    shop.do(order.id, oc.Cancel(reason="changed my mind"))
    assert (5000, 0, 0) == at_gift_card(shop)
    assert 0 == shop.till.held(order.id)


def test_a_cancelled_order_returns_what_it_took(shop: Shop) -> None:
    """O-5: void first, then refund the rest, each to where it came from."""
    order = shop.place(line("tea", 5), tenders=(gift(), CARD), terms=IDLE)
    assert (2000, 0, 3000) == at_gift_card(shop)
    after = shop.do(order.id, oc.Cancel(reason="changed my mind")).order
    assert (5000, 0, 0) == at_gift_card(shop)
    assert PaymentStatus.REFUNDED is statuses(after).payment


def test_an_expired_order_releases_what_it_held(shop: Shop) -> None:
    """O-6: a gift card that covers a part only is free again when the order expires."""
    order = shop.place(line("tea", 9), tenders=(gift(None),))
    assert (0, 5000, 0) == at_gift_card(shop)
    shop.rest(rounds=80, step=timedelta(hours=12))
    assert OrderStatus.EXPIRED is order_status(shop.load(order.id))
    assert 5000 == sum(at_gift_card(shop))
    assert 0 == at_gift_card(shop)[1]


def test_a_cancelled_unit_comes_back_to_the_lots(shop: Shop) -> None:
    """RF-5: what was taken is returned to the account, to the lot that was used last."""
    order = shop.place(line("tea", 3), tenders=(gift(None),), terms=IDLE)
    assert (2000, 0, 3000) == at_gift_card(shop)
    shop.do(order.id, oc.CancelUnits(units=((LineId("tea"), 1),), reason="one too many"))
    assert (3000, 0, 2000) == at_gift_card(shop)
    assert eur(0) == balance(shop.load(order.id)).to_pay_back


def test_an_account_gives_part_by_part_whatever_the_gateway_can(shop: Shop) -> None:
    """PAY-2: an account can be taken from in parts, also beside a gateway that captures once."""
    shop.till.able = Capabilities(multiple_capture=False, partial_capture=False)
    order = shop.place(line("tea", 3), tenders=(gift(None),), terms=BY_HAND)
    shop.do(order.id, CaptureNow(amount=eur(1000)))
    assert (2000, 2000, 1000) == at_gift_card(shop)
    shop.do(order.id, CaptureNow())
    assert (2000, 0, 3000) == at_gift_card(shop)


def test_less_to_pay_holds_less(shop: Shop) -> None:
    """A cancelled unit releases its part of what is held, where the account can: it can."""
    order = shop.place(line("tea", 3), tenders=(gift(None),), terms=BY_HAND)
    shop.do(order.id, oc.CancelUnits(units=((LineId("tea"), 1),), reason="one too many"))
    assert (3000, 2000, 0) == at_gift_card(shop)


# --- too little -----------------------------------------------------------------------------------


def test_a_part_that_is_split_off_is_paid_from_the_same_account(shop: Shop) -> None:
    """O-7: what the older order held for the units is there for the part in the same commit."""
    terms = evolve(IDLE, holds_at_placement=(HoldKind("fraud"),))
    order = shop.place(line("tea", 5), terms=terms, tenders=(gift(None),))
    assert (0, 5000, 0) == at_gift_card(shop)
    part = OrderId(f"{order.id}-S1")
    split = oc.SplitOrder(order=part, units=((LineId("tea"), 1),), tenders=(gift(None),))
    shop.do(order.id, split)
    for name in (order.id, part):
        assert PaymentStatus.AUTHORISED is statuses(shop.load(name)).payment
    assert (0, 5000, 0) == at_gift_card(shop)


def test_a_card_pays_what_the_gift_card_has_not(shop: Shop) -> None:
    """A gift card with too little on it gives what it has; the card takes the rest."""
    order = shop.place(line("tea", 8), tenders=(gift(7000), CARD))
    assert (0, 0, 5000) == at_gift_card(shop)
    assert 3000 == shop.till.moved(Operation.AUTHORISE, order.id)
    assert OrderStatus.CONFIRMED is order_status(order)


def test_an_account_that_is_not_there_declines(shop: Shop) -> None:
    """PAY-5: nobody guesses; the order waits for another instrument, and then goes on."""
    ghost = Tender(
        id=TenderId("gift"), kind=TenderKind.GIFT_CARD, gateway=STORE_VALUE, instrument="GC-8"
    )
    order = shop.place(line("tea", 1), tenders=(ghost,))
    assert OrderStatus.PLACED is order_status(order)
    (attempt,) = order.payment.operations.values()
    assert "unknown-account" == attempt.reason
    again = RetryPayment(tender=ghost.id, instrument="GC-7")
    assert OrderStatus.CONFIRMED is order_status(shop.do(order.id, again).order)


def test_an_order_is_no_account(shop: Shop) -> None:
    """A stream of another kind pays nothing."""
    shop.service.place(
        basket(line("tea", 1)), key="x", by=BUYER, order=OrderId("credit:GC-9"), tenders=(CARD,)
    )
    with pytest.raises(UnknownAccountError):
        shop.service.credit.account("GC-9")


@pytest.mark.parametrize(
    "kind", [TenderKind.CARD, TenderKind.WALLET, TenderKind.ON_ACCOUNT, TenderKind.CASH]
)
def test_only_stored_value_is_paid_from_an_account(kind: TenderKind) -> None:
    """A card is no account of the shop's own."""
    with pytest.raises(InvalidPaymentError):
        gift(kind=kind)


def test_exchange_credit_and_points_are_paid_from_accounts(shop: Shop) -> None:
    """PAY-1, R-5: an exchange credit is a tender like any other stored value."""
    for kind in (TenderKind.EXCHANGE_CREDIT, TenderKind.POINTS, TenderKind.STORE_CREDIT):
        order = shop.place(line("tea", 1), tenders=(gift(None, kind),))
        assert PaymentStatus.PAID is statuses(order).payment
    assert (2000, 0, 3000) == at_gift_card(shop)


# --- races ----------------------------------------------------------------------------------------


class Meddled(MemoryStore):
    """A memory store in which somebody else comes first."""

    before: list[Callable[[], object]]

    def commit(self, changes: ChangeSet) -> Committed:
        if self.before:
            self.before.pop()()
        return super().commit(changes)


def test_two_orders_never_spend_the_same_value() -> None:
    """Both read 50.00; the second commit meets another version, and holds what is left."""
    shop = Shop()
    store = Meddled(clock=shop.clock)
    store.before = []
    shop.store = store
    shop.service = shop.another()
    shop.receive("tea", 10)
    issue(shop, "lot", 5000)
    other = shop.another("other")

    def first() -> Order:
        return other.place(
            basket(line("tea", 4)), key="b", by=BUYER, order=OrderId("b"), tenders=(gift(None),)
        ).order

    store.before.append(first)
    order = shop.place(line("tea", 4), tenders=(gift(None),))
    assert (0, 1000, 4000) == at_gift_card(shop)
    assert eur(1000) == balance(order).totals.authorised
    assert eur(4000) == balance(shop.load(OrderId("b"))).held


class Stuttering(MemoryStore):
    """A memory store whose commits succeed and raise all the same, now and then."""

    stutters: int = 0

    def commit(self, changes: ChangeSet) -> Committed:
        committed = super().commit(changes)
        if self.stutters:
            self.stutters -= 1
            raise StoreBusyError
        return committed


def test_a_commit_that_raised_and_succeeded_pays_once() -> None:
    """The same commit again finds itself: the account gave once, and the order knows it."""
    shop = Shop()
    store = Stuttering(clock=shop.clock)
    shop.store = store
    shop.service = shop.another()
    shop.receive("tea", 10)
    issue(shop, "lot", 5000)
    store.stutters = 1
    order = shop.place(line("tea", 2), tenders=(gift(None),))
    assert (3000, 0, 2000) == at_gift_card(shop)
    assert eur(2000) == balance(order).held


def test_an_account_that_is_always_busy_is_a_conflict() -> None:
    """Bounded: whoever never gets through is told to try again."""
    shop = Shop()
    store = Meddled(clock=shop.clock)
    store.before = []
    shop.store = store
    shop.service = shop.another()
    shop.receive("tea", 10)
    issue(shop, "lot", 5000)
    other = shop.another("other")

    def meddle() -> None:
        lot = IssueValue(key=Key(f"more-{len(store.before)}"), amount=eur(1))
        rest, store.before = store.before, []
        other.credit.execute("GC-7", lot)
        store.before = rest

    store.before = [meddle] * 10
    with pytest.raises(ConflictError):
        shop.place(line("tea", 1), tenders=(gift(None),))
    assert (5006, 0, 0) == at_gift_card(shop)


# --- accounts -------------------------------------------------------------------------------------


def test_a_worker_closes_lots_in_time(shop: Shop) -> None:
    """What nobody used lapses once; the account then sleeps until its next lot ends."""
    shop.clock.forward(timedelta(days=400))
    assert CARD_7 in shop.service.run_due().served
    assert (3000, 0, 0) == at_gift_card(shop)
    assert shop.service.run_due().is_idle
    assert shop.store.load(CARD_7).due_at is None


def test_an_early_look_changes_nothing(shop: Shop) -> None:
    """A worker that was woken too soon puts the account back to sleep."""
    ends = shop.store.load(CARD_7).due_at
    shop.store.sleep(CARD_7, version=2, wakes=0, due_at=shop.clock.now)
    assert (CARD_7,) == shop.service.run_due().served
    assert ends == shop.store.load(CARD_7).due_at


def test_a_step_counts_once(shop: Shop) -> None:
    """The same key, the same step: nothing new. Another step under it is refused."""
    lot = IssueValue(key=Key("lot-2"), amount=eur(3000))
    assert () == shop.service.credit.execute("GC-7", lot).events
    with pytest.raises(ValueKeyReusedError):
        shop.service.credit.execute("GC-7", IssueValue(key=Key("lot-2"), amount=eur(1)))
    assert 5000 == left(shop)


def test_a_placement_is_repeated_with_its_key(shop: Shop) -> None:
    """Same key, same body: the same order, though its commit wrote an account as well."""
    priced = basket(line("tea", 3))
    receipts = [
        shop.service.place(priced, key="k", by=BUYER, tenders=(gift(None),)) for _ in range(2)
    ]
    assert receipts[0].order.id == receipts[1].order.id
    assert receipts[0].events == receipts[1].events
    assert (2000, 0, 3000) == at_gift_card(shop)


def test_who_may_issue_value_is_in_the_table(shop: Shop) -> None:
    """O: a limit for one person alone, a second one above it, and nothing for others."""
    grants = (
        Grant(role="staff", command="IssueValue", limit=eur(1000)),
        Grant(role="boss", command="*"),
    )
    service = OrderService(
        store=shop.store, payments=shop.till, permissions=Permissions(grants=grants)
    )
    small, big = (IssueValue(key=Key(f"lot-{minor}"), amount=eur(minor)) for minor in (1000, 1001))
    assert service.credit.execute("GC-9", small, by=STAFF).events
    with pytest.raises(ApprovalNeededError):
        service.credit.execute("GC-9", big, by=STAFF)
    with pytest.raises(NotPermittedError):
        service.credit.execute("GC-9", small, by=BUYER)
    assert service.credit.execute("GC-9", big, by=STAFF, approved_by=Actor("boss:1")).events


def test_nothing_can_be_spent_twice_by_hand(shop: Shop) -> None:
    """What an order holds is not there for anybody else."""
    shop.place(line("tea", 4), tenders=(gift(None),))
    with pytest.raises(InsufficientValueError):
        shop.service.credit.execute("GC-7", HoldValue(key=Key("h"), amount=eur(1001)))


def test_the_async_service_has_the_same_accounts() -> None:
    """The same engine: an account is issued, pays, and is looked at."""
    shop = Shop()
    shop.receive("tea", 1)

    async def work() -> tuple[int, int, int]:
        service = AsyncOrderService(
            store=ThreadedStore(shop.store), payments=AsyncTill(shop.till), ids=Ids("async")
        )
        await service.credit.execute("GC-7", IssueValue(key=Key("lot"), amount=eur(5000)))
        await service.place(basket(line("tea", 1)), key="k", by=BUYER, tenders=(gift(None),))
        return sums(await service.credit.account("GC-7"))

    assert (4000, 0, 1000) == asyncio.run(work())


def test_the_currencies_of_order_and_account_agree(shop: Shop) -> None:
    """M-6: an account of another currency declines."""
    lot = IssueValue(key=Key("lot"), amount=Money(5000, USD))
    shop.service.credit.execute("USD-1", lot)
    tender = Tender(
        id=TenderId("gift"), kind=TenderKind.GIFT_CARD, gateway=STORE_VALUE, instrument="USD-1"
    )
    order = shop.place(line("tea", 1), tenders=(tender,))
    (attempt,) = order.payment.operations.values()
    assert ("currency-mismatch", EUR) == (attempt.reason, order.priced.currency)
