"""
How fast `OrderService.place` is on `SqliteStore`, beside bare sqlite3 that writes the same rows.

Every order has three lines and is paid on account, so that it is reserved, confirmed and planned
in one commit; see `tests.benchmarks.bare` for what it is compared with. Run it by hand::

    python tests/benchmarks/bench_place.py [orders] [rounds] [--profile]
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import tempfile
from fractions import Fraction
from functools import partial
from pathlib import Path

from bare import ITEMS, LINES, SHOP, compare, item_of

from ordercore.adapters.sqlite import SqliteStore
from ordercore.ids import Actor, LineId, OrderId, Sku, TenderId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR, Money
from ordercore.payment.model import Tender, TenderKind
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import DraftLine, PricedOrder, Tax, UnitPrice
from ordercore.pricing.totals import price
from ordercore.service.sync import OrderService
from ordercore.testing.sandbox import SandboxGateway

ACCOUNT = Tender(id=TenderId("account"), kind=TenderKind.ON_ACCOUNT)
BUYER = Actor("customer:42")


def basket(number: int) -> PricedOrder:
    """Three lines with tax."""
    lines = tuple(
        DraftLine(
            id=LineId(str(line + 1)),
            item=item_of(number, line),
            sku=Sku(f"SKU-{line}"),
            title="A thing of beauty",
            quantity=1,
            unit_price=UnitPrice(Money(1190, EUR)),
            taxes=(Tax(code="vat", rate=Fraction(19, 100)),),
            tax_included=True,
        )
        for line in range(LINES)
    )
    return price(Draft(currency=EUR, lines=lines))


def opened(path: Path) -> OrderService:
    """A shop with enough stock for everybody."""
    service = OrderService(store=SqliteStore(path), payments=SandboxGateway(":memory:"))
    rows = tuple(ReceivedLine(item=item, location=SHOP, quantity=10**9) for item in ITEMS)
    service.stock.execute(ReceiveStock(lines=rows))
    return service


def place(service: OrderService, number: int, priced: PricedOrder) -> None:
    """One order."""
    service.place(
        priced,
        key=f"key-{number:08d}",
        by=BUYER,
        order=OrderId(f"order-{number:08d}"),
        tenders=(ACCOUNT,),
    )


def profile(baskets: list[PricedOrder]) -> None:
    """Print where the time of a placement goes."""
    with tempfile.TemporaryDirectory() as folder:
        service = opened(Path(folder) / "store.db")
        place(service, len(baskets), baskets[0])
        with cProfile.Profile() as seen:
            for number, priced in enumerate(baskets):
                place(service, number, priced)
    pstats.Stats(seen).sort_stats("tottime").print_stats(45)


def main(count: int, rounds: int) -> None:
    """Print both figures and their ratio, over all rounds."""
    baskets = [basket(number) for number in range(count)]
    compare("OrderService.place", lambda path: partial(place, opened(path)), baskets, rounds=rounds)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:] if text.isdigit()]
    if "--profile" in sys.argv:
        profile([basket(number) for number in range(given[0] if given else 300)])
    else:
        main(*(given + [500, 3][len(given) :]))
