"""
The audit: four ledgers that nobody may trust alone, held against each other.

Money in = money kept + money given back, also by the gateway's own ledger; the stock ledger = the
counters; replaying the facts = the stored state; the outbox holds every commit once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from ordercore import Order, OrderId, balance, replay
from ordercore.codec.state import decode_state, encode_state
from ordercore.ids import StreamId
from ordercore.inventory.audit import audit as audit_stock
from ordercore.ports.gateways import Envelope, EventPublisher
from ordercore.ports.unit_of_work import StreamKind
from ordercore.service.relay import Relay
from shop import Shop


@define
class Listener(EventPublisher):
    """A subscriber that only counts what it hears."""

    heard: Counter[str] = field(factory=Counter[str])
    last: dict[str, int] = field(factory=dict[str, int])
    disorder: list[str] = field(factory=list[str])

    def publish(self, envelope: Envelope) -> None:
        """Note one fact, and whether it came in its turn."""
        self.heard[envelope.id] += 1
        if envelope.version != self.last.get(envelope.subject, 0) + 1:
            self.disorder.append(envelope.id)
        self.last[envelope.subject] = envelope.version


def order_ids(shop: Shop) -> Iterator[OrderId]:
    """All orders of the shop."""
    after: StreamId | None = None
    while page := shop.store.streams(kind=StreamKind.ORDER, after=after, limit=500):
        yield from (OrderId(stream) for stream in page)
        after = page[-1]


def violations(shop: Shop) -> Iterator[str]:
    """Everything that is off, in words; nothing is what it should be."""
    orders = [shop.service.load(order) for order in order_ids(shop)]
    yield from (f"gateway: {problem}" for problem in shop.gateway.violations())
    yield from _money(shop, orders)
    yield from _intended(shop, orders)
    yield from _replay(shop, orders)
    yield from _stock(shop)
    yield from _outbox(shop)


def _money(shop: Shop, orders: list[Order]) -> Iterator[str]:
    for order in orders:
        sums = balance(order)
        books = shop.gateway.totals(order.priced.currency, order=order.id)
        captured, refunded = books.captured, books.refunded
        if captured != sums.totals.captured or refunded != sums.totals.refunded:
            yield (
                f"{order.id}: the gateway took {captured} and gave {refunded} back, "
                f"the order knows of {sums.totals.captured} and {sums.totals.refunded}"
            )
        if captured - refunded != sums.held:
            yield f"{order.id}: money in is not money kept and money given back"
        if sums.held > sums.owed:
            yield f"{order.id}: {sums.held} is held and only {sums.owed} is owed"


def _intended(shop: Shop, orders: list[Order]) -> Iterator[str]:
    """Every operation that the gateway knows of was a saved intent, each under its own key."""
    known = {order.id: order for order in orders}
    for entry in shop.gateway.ledger():
        owner = known.get(OrderId(entry.order))
        if owner is None:
            yield f"the gateway did one {entry.operation} for {entry.order}, which is no order"
        elif entry.key not in owner.payment.operations:
            yield f"the gateway did one {entry.operation} of {entry.order} that nobody intended"


def _replay(shop: Shop, orders: list[Order]) -> Iterator[str]:
    for order in orders:
        stream = StreamId(order.id)
        facts = [event for commit in shop.store.history(stream) for event in commit.events[stream]]
        if replay(facts) != order or len(facts) != order.version:
            yield f"{order.id}: replaying its facts gives another order"
        if decode_state(encode_state(order), Order) != order:
            yield f"{order.id}: its snapshot reads as another order"


def _stock(shop: Shop) -> Iterator[str]:
    for found in audit_stock(shop.store.ledger(), shop.store.all_counters()):
        yield f"stock: {found}"
    for place, counters in shop.store.all_counters():
        if counters.on_hand < counters.reserved or min(counters.on_hand, counters.reserved) < 0:
            yield f"stock: {place.item} at {place.location} is oversold: {counters}"


def _outbox(shop: Shop) -> Iterator[str]:
    listener = Listener()
    told = Relay(outbox=shop.store, publisher=listener).drain()
    twice = [key for key, count in listener.heard.items() if count > 1]
    if twice or listener.disorder:
        yield f"outbox: {len(twice)} facts came twice, {len(listener.disorder)} out of order"
    if told and shop.store.unpublished(limit=1):
        yield "outbox: something was left"
    for order in order_ids(shop):
        if listener.last and listener.last.get(order) != shop.service.load(order).version:
            yield f"outbox: the facts of {order} did not all leave"


if __name__ == "__main__":
    print("A part of the quickstart; run it: python examples/quickstart.py")
