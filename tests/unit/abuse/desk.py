"""A shop with planted secrets, over each store, at which the rows of the catalogue are tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field

from ordercore.adapters.memory import MemoryStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.errors import OrderCoreError
from ordercore.facts import Event
from ordercore.ids import Actor, OrderId, TenderId
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.answers import Answer
from ordercore.payment.commands import ReportOperation
from ordercore.payment.model import Operation, Tender
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.ports.gateways import PaymentCall
from ordercore.ports.repositories import Store
from ordercore.service.engine import Receipt
from ordercore.service.sync import OrderService
from ordercore.testing.sandbox import Delivery, SandboxGateway
from tests.laws.order_world import Clock, Ids, Shop, basket, line
from tests.unit.service.test_abuse import dump

__all__ = ["BY_HAND", "CARD", "PAN", "PANS", "SECRET", "TOKEN", "Desk", "desks", "refused"]

PAN: Final = "4111 1111 1111 1111"
PANS: Final = (PAN, PAN.replace(" ", ""), PAN.replace(" ", "-"), "5555555555554444")
TOKEN: Final = "tok_canary_Zx81qQ"
SECRET: Final = "whsec_canary_51Hb9"
CANARIES: Final = (*PANS, "1111111111", TOKEN, SECRET)
FAST: Final = 0.05
BUYER: Final = Actor("customer:1")
CARD: Final = Tender(id=TenderId("card"), instrument=TOKEN)
BY_HAND: Final = Terms(payment=PaymentPolicy(capture=CaptureWhen.MANUAL))


class Bending(SandboxGateway):
    """A sandbox whose next answers can be bent on their way."""

    bend: Callable[[Answer], Answer] | None = None

    def authorise(self, call: PaymentCall) -> Answer:
        return self._bent(super().authorise(call))

    def capture(self, call: PaymentCall) -> Answer:
        return self._bent(super().capture(call))

    def refund(self, call: PaymentCall) -> Answer:
        return self._bent(super().refund(call))

    def _bent(self, answer: Answer) -> Answer:
        bend, self.bend = self.bend, None
        return answer if bend is None else bend(answer)


@define
class Desk:
    """A shop whose gateway is the sandbox, with books of its own."""

    store: Store
    clock: Clock
    able: Capabilities = field(factory=Capabilities)
    shop: Shop = field(init=False)
    gateway: Bending = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open it."""
        self.gateway = Bending(":memory:", clock=self.clock, decline=False, capabilities=self.able)
        self.shop = Shop(clock=self.clock)
        self.shop.store = self.store
        self.shop.service = self.another("id")
        self.shop.receive("tea", 50)

    def another(self, name: str) -> OrderService:
        """One more service over the same store and gateway."""
        return OrderService(store=self.store, payments=self.gateway, ids=Ids(name))

    @property
    def service(self) -> OrderService:
        """The first service."""
        return self.shop.service

    def place(self, name: str = "o-1", **given: Any) -> Order:  # noqa: ANN401 - it is bad on purpose
        """Two units of tea at 10.00, paid by card."""
        values: dict[str, Any] = {"key": f"place-{name}", "by": BUYER, "tenders": (CARD,), **given}
        priced = values.pop("priced", None) or basket(line("tea", 2))
        return self.service.place(priced, order=OrderId(name), **values).order

    def load(self, name: str = "o-1") -> Order:
        """The order as it stands."""
        return self.service.load(OrderId(name))

    def do(self, command: Any, name: str = "o-1") -> Receipt:  # noqa: ANN401 - it is bad on purpose
        """Serve one command."""
        return self.service.execute(OrderId(name), command, by=BUYER)

    def work(self) -> None:
        """Work off what is due now."""
        assert () == self.service.run_due(limit=50).failed

    def hear(self) -> list[Delivery]:
        """Take what the gateway tells, as a host would: the message's id is the key."""
        heard = list(self.gateway.webhooks())
        for told in heard:
            self.service.execute(told.order, told.report, key=told.id)
        return heard

    def facts(self, kind: type[Event], name: str = "o-1") -> list[Any]:
        """The stored facts of one kind."""
        history = self.store.history(self.load(name).stream)
        return [
            fact
            for one in history
            for facts in one.events.values()
            for fact in facts
            if isinstance(fact, kind)
        ]

    def moved(self, name: str = "o-1") -> tuple[int, int, int, int]:
        """What is live, captured, voided and refunded by the gateway's books, in cents."""
        order = self.load(name)
        sums = self.gateway.totals(order.priced.currency, order=order.id)
        assert () == self.gateway.violations()
        return sums.live.minor, sums.captured.minor, sums.voided.minor, sums.refunded.minor

    def books(self, name: str = "o-1") -> tuple[ReportOperation, ...]:
        """Webhooks about all that the gateway's books say of an order, as it happened."""
        return tuple(
            ReportOperation(
                operation=one.operation,
                reference=one.reference,
                amount=one.amount,
                key=one.key,
                at=one.at,
            )
            for one in self.gateway.ledger(OrderId(name))
        )

    def told(self, operation: Operation, name: str = "o-1") -> ReportOperation:
        """The webhook about the last operation of a kind."""
        return [one for one in self.books(name) if one.operation is operation][-1]


def desks(kind: str, folder: Path, able: Capabilities | None = None) -> Iterator[Desk]:
    """A desk over a store of this kind, as long as somebody is at it."""
    clock = Clock()
    path = folder / "shop.db"
    store: Store = MemoryStore(clock) if kind == "memory" else SqliteStore(path, clock=clock)
    made = Desk(store, clock, able or Capabilities())
    yield made
    made.store.close()
    made.gateway.close()


def refused(
    kind: type[OrderCoreError], call: Callable[[], object], *, store: Store | None = None
) -> OrderCoreError:
    """
    A call is refused by this error, cheaply, without a trace, and without a word of what is secret.
    """
    before = None if store is None else dump(store)
    found: OrderCoreError | None = None
    best = FAST
    for _ in range(5):
        start = time.perf_counter()
        with pytest.raises(kind) as caught:
            call()
        best = min(best, time.perf_counter() - start)
        found = caught.value
        if best < FAST:
            break
    assert best < FAST, "hostile input is cheap"
    assert before == (None if store is None else dump(store)), "nothing was written"
    assert found is not None
    shown = f"{found} {found!r} {found.facts} {found.__cause__} {found.__cause__!r}"
    assert not [canary for canary in CANARIES if canary in shown]
    return found
