"""
A shop at work with the sandbox: whatever goes wrong, both books end the same.

Customers cancel, parcels leave, calls get lost or come late, webhooks come twice, late or never,
and successes are taken back. The gateway's own ledger is the judge.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from attrs import define, evolve, field, frozen

from ordercore.adapters.memory import MemoryStore
from ordercore.errors import OrderCoreError
from ordercore.facts import Request
from ordercore.fulfilment.commands import AcceptCancel, Dispatch, PackItem, PackParcel, PickUnits
from ordercore.fulfilment.model import LineUnits, WorkStatus
from ordercore.ids import Actor, ItemId, LineId, LocationId, OrderId, ParcelId, TenderId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR
from ordercore.order.balance import balance
from ordercore.order.commands import Cancel, CancelUnits
from ordercore.order.model import Order
from ordercore.order.status import Flag, statuses
from ordercore.order.terms import Terms
from ordercore.payment.commands import CaptureNow, RetryPayment
from ordercore.payment.model import Tender
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.ports.gateways import PaymentGateway
from ordercore.service.sync import OrderService
from ordercore.testing.sandbox import Faults, SandboxCarrier, SandboxGateway
from ordercore.testing.scenario import small_order

CARD = TenderId("card")
LINE = LineId("1")
ORDERS = 8
BUSY_STEPS, QUIET_STEPS = 40, 60

BAD = Faults(
    lost_call=80,
    lost_answer=80,
    late_call=50,
    error=50,
    pending=80,
    action=30,
    twice=200,
    late=300,
    lost=100,
    nameless=100,
    failed_attempt=100,
    sent_back=50,
)
WORSE = Faults(
    lost_call=150,
    lost_answer=150,
    late_call=100,
    error=100,
    pending=100,
    taken_back=60,
    twice=500,
    late=500,
    nameless=200,
)
"""No message is lost: that a capture was taken back is told by its message alone."""


def itself(gateway: PaymentGateway) -> PaymentGateway:
    """Nothing between shop and gateway."""
    return gateway


@define
class World:
    """A shop, its outside, and one clock for both."""

    seed: int
    faults: Faults
    capabilities: Capabilities
    between: Callable[[PaymentGateway], PaymentGateway] = itself
    """What stands between shop and gateway: nothing, or a bug."""
    policy: PaymentPolicy = PaymentPolicy()
    now: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    chance: random.Random = field(init=False)
    gateway: SandboxGateway = field(init=False)
    carrier: SandboxCarrier = field(init=False)
    shop: OrderService = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.gateway = SandboxGateway(
            ":memory:",
            seed=self.seed,
            clock=self.clock,
            faults=self.faults,
            capabilities=self.capabilities,
        )
        self.carrier = SandboxCarrier(
            ":memory:", seed=self.seed, clock=self.clock, faults=self.faults
        )
        self.shop = OrderService(
            store=MemoryStore(clock=self.clock),
            payments=self.between(self.gateway),
            carrier=self.carrier,
        )
        stock = ReceivedLine(item=ItemId("item-1"), location=LocationId("shop"), quantity=500)
        self.shop.stock.execute(ReceiveStock(lines=(stock,)))

    def clock(self) -> datetime:
        return self.now

    def place(self, number: int) -> OrderId:
        """An order of one to four units, some of which are declined at first or for good."""
        minor = self.chance.choice([1000, 1001, 502, 505, 509])
        priced = small_order(minor=minor, quantity=self.chance.randint(1, 4)).priced
        capture = self.chance.choice([CaptureWhen.PLACEMENT, CaptureWhen.DISPATCH])
        return self.shop.place(
            priced,
            key=f"checkout-{number}",
            by=Actor("customer:1"),
            order=OrderId(f"order-{number}"),
            terms=Terms(payment=evolve(self.policy, capture=capture)),
            tenders=(Tender(id=CARD),),
        ).order.id

    def act(self, order: OrderId) -> None:
        """Somebody wants something; a refusal is an answer too."""
        wishes: tuple[Callable[[Order], Iterator[Request]], ...] = (
            lambda _: iter([Cancel()]),
            lambda _: iter([CancelUnits(units=((LINE, 1),))]),
            lambda _: iter([RetryPayment(tender=CARD)]),
            lambda _: iter([CaptureNow()]),
            _send_one,
            _send_one,
            _send_one,
        )
        wish = self.chance.choice(wishes)
        try:
            for request in wish(self.shop.load(order)):
                self.shop.execute(order, request)
        except OrderCoreError:
            return

    def passes(self, time: timedelta) -> None:
        """Time passes: messages arrive, and the worker does what is due."""
        self.now += time
        for source in (self.gateway.webhooks(), self.carrier.tracking()):
            for delivery in source:
                self.shop.execute(delivery.order, delivery.report)
        done = self.shop.run_due(limit=100)
        assert () == done.failed


def _send_one(order: Order) -> Iterator[Request]:
    """Pick, pack and dispatch one unit, where there is work; agree to what shall be cancelled."""
    for work in order.fulfilment.orders.values():
        if work.status is WorkStatus.CANCEL_REQUESTED:
            yield AcceptCancel(fulfilment=work.id)
        if work.status in {WorkStatus.RELEASED, WorkStatus.IN_WORK}:
            parcel = ParcelId(f"{order.id}-P{len(order.fulfilment.parcels)}")
            yield PickUnits(fulfilment=work.id, lines=(LineUnits(line=LINE, quantity=1),))
            yield PackParcel(
                parcel=parcel, fulfilment=work.id, items=(PackItem(line=LINE, quantity=1),)
            )
            yield Dispatch(parcel=parcel)


@frozen
class Books:
    """What one side says about an order, in minor units."""

    live: int
    captured: int
    refunded: int


def run(
    seed: int,
    faults: Faults,
    capabilities: Capabilities,
    between: Callable[[PaymentGateway], PaymentGateway] = itself,
    *,
    policy: PaymentPolicy | None = None,
) -> World:
    """Some busy hours, then some quiet days."""
    world = World(seed, faults, capabilities, between, policy or PaymentPolicy())
    orders = [world.place(number) for number in range(ORDERS)]
    for _ in range(BUSY_STEPS):
        world.act(world.chance.choice(orders))
        world.passes(timedelta(minutes=7))
    for _ in range(QUIET_STEPS):
        world.passes(timedelta(hours=3))
    return world


def law_of_books(world: World) -> int:
    """Where nothing is in doubt both books are equal; how many orders are in doubt."""
    assert () == world.gateway.violations()
    doubtful = 0
    for number in range(ORDERS):
        order = world.shop.load(OrderId(f"order-{number}"))
        sums = balance(order)
        truth = world.gateway.totals(EUR, order=order.id)
        if Flag.IN_DOUBT in statuses(order).flags:
            doubtful += 1
            continue
        assert Books(truth.live.minor, truth.captured.minor, truth.refunded.minor) == Books(
            sums.totals.authorised.minor, sums.totals.captured.minor, sums.totals.refunded.minor
        )
        assert not sums.to_pay_back.is_positive
    return doubtful
