"""
Real orders, end to end: imported, placed, paid, sent, partly returned, refunded, completed.

Run it: ``python examples/quickstart.py``. It needs what ``pip install -e ".[examples]"`` brings
(the library and rich), no server, no account, and about three quarters of a minute.
The shop is in ``shop.py``, what it sells in ``sales.py``, the audit in ``audit.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from audit import violations
from ordercore import Money, OrderId, balance, statuses
from ordercore.ids import StreamId
from ordercore.order.status import ORDER
from ordercore.payment.status import OPERATION
from ordercore.refund.model import RefundQuote
from ordercore.testing.sandbox import Faults
from sales import Outcomes, shopify, till
from shop import Sale, Shop, ShopClock

SEED = 2026
FAULTS = Faults(lost_answer=20, lost_call=20, error=10, twice=100, late=200, nameless=50)
"""The outside as it is: of 1,000 calls 20 time out though they happened, and so on."""
console = Console(width=110)


def main() -> int:
    """Run every order through its life; answer 0 when the audit finds nothing."""
    form = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=__doc__, formatter_class=form).parse_args()
    console.rule("How a payment operation goes on (drawn from its table)")
    console.print(OPERATION.to_mermaid(), markup=False, highlight=False)
    console.rule("Now the orders")
    outcomes = Outcomes()
    sales = (*shopify(outcomes), *till(outcomes, limit=200))
    with tempfile.TemporaryDirectory() as folder:
        clock = ShopClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
        shop = Shop(Path(folder), clock, seed=SEED, faults=FAULTS)
        quotes = live(shop, sales)
        show_outcomes(outcomes)
        show_statuses(shop, sales)
        returned = next(sale for sale in sales if sale.returns)
        show_timeline(shop, returned.order)
        show_quote(quotes[returned.order])
        console.rule("The headline of an order: first match wins")
        console.print(ORDER.to_table(), markup=False, highlight=False)
        return show_audit(shop, sales)


def live(shop: Shop, sales: tuple[Sale, ...]) -> dict[OrderId, RefundQuote]:
    """Place, send, deliver, take back and complete; answers the refund quotes."""
    shop.stock(sales)
    quotes: dict[OrderId, RefundQuote] = {}
    with Progress(console=console, transient=True) as progress:
        for sale in progress.track(sales, description="placing"):
            shop.place(sale)
        pause(shop, progress)
        for sale in progress.track(sales, description="sending"):
            shop.fulfil(sale.order)
        pause(shop, progress)
        for day in progress.track(range(10), description="delivering"):
            del day
            move_on(shop, timedelta(days=1))
        for sale in progress.track(sales, description="taking back"):
            quote = shop.take_back(sale)
            if quote is not None:
                quotes[sale.order] = quote
        pause(shop, progress)
        for week in progress.track(range(8), description="waiting for the return window"):
            del week
            move_on(shop, timedelta(days=7))
    return quotes


def pause(shop: Shop, progress: Progress) -> None:
    """Some hours in which lost answers are asked for, while the gateway still knows its keys."""
    for hour in progress.track(range(4), description="asking about lost answers"):
        del hour
        move_on(shop, timedelta(hours=1))


def move_on(shop: Shop, by: timedelta) -> None:
    """Let time pass: the outside reports, the worker does what is due."""
    clock = shop.clock
    if isinstance(clock, ShopClock):
        clock.forward(by)
    shop.hear()
    shop.work_off()


def show_outcomes(outcomes: Outcomes) -> None:
    """What was read, and what became of it."""
    table = Table("What was read", "Count", title="Every file and invoice has an outcome")
    for text, count in sorted(outcomes.counts.items()):
        table.add_row(text, str(count))
    table.add_row(
        "totals that the platform states and its own parts do not give", str(outcomes.differences)
    )
    console.print(table)


def show_statuses(shop: Shop, sales: tuple[Sale, ...]) -> None:
    """All orders by their derived statuses."""
    table = Table(
        "Order", "Payment", "Fulfilment", "Return", "Orders", "Total", title="Orders by status"
    )
    counts: Counter[tuple[str, ...]] = Counter()
    totals: dict[tuple[str, ...], list[Money]] = {}
    for sale in sales:
        order = shop.service.load(sale.order)
        axes = statuses(order)
        row: tuple[str, ...] = (
            *(axes.order, axes.payment, axes.fulfilment, axes.returned),
            order.priced.currency.code,
        )
        counts[row] += 1
        totals.setdefault(row, []).append(order.priced.total)
    for row, count in sorted(counts.items()):
        total = sum(totals[row][1:], totals[row][0])
        table.add_row(*row[:4], str(count), str(total))
    console.print(table)


def show_timeline(shop: Shop, order: OrderId) -> None:
    """One order's facts with both times and who did it."""
    table = Table("Happened", "Recorded", "By", "Facts", title=f"The life of {order}")
    for commit in shop.service.history(order):
        facts = ", ".join(type(event).__name__ for event in commit.events[StreamId(order)])
        happened, recorded = (
            instant.strftime("%m-%d %H:%M:%S.%f")[:-3]
            for instant in (commit.occurred_at, commit.recorded_at)
        )
        table.add_row(happened, recorded, commit.by, facts)
    console.print(table)


def show_quote(quote: RefundQuote) -> None:
    """A refund, explained amount by amount."""
    table = Table("What", "Amount", "Rule", title="One refund, explained")
    for row in quote.explain():
        table.add_row(row.text, str(row.amount) if row.counts else f"({row.amount})", row.rule)
    table.add_row("credited", str(quote.credit.amount), "the rows above, without those in brackets")
    for share in quote.destinations:
        table.add_row(
            f"sent back to {share.tender}", str(share.amount), "tender order of the terms"
        )
    console.print(table)


def show_audit(shop: Shop, sales: tuple[Sale, ...]) -> int:
    """Hold the ledgers against each other; answer 0 when all is right."""
    console.rule("Audit")
    taken: dict[str, list[int]] = {}
    for sale in sales:
        order = shop.service.load(sale.order)
        books = shop.gateway.totals(order.priced.currency, order=sale.order)
        row = taken.setdefault(order.priced.currency.code, [0, 0, 0])
        for place, amount in enumerate(
            (
                books.captured.minor,
                balance(order).held.minor,
                books.refunded.minor,
            )
        ):
            row[place] += amount
    for code, (came, kept, back) in sorted(taken.items()):
        console.print(f"{code}: money in {came} = kept {kept} + given back {back} (minor units)")
    found = list(violations(shop))
    found += [
        f"{sale.order} is {status}, not completed"
        for sale in sales
        for status in (statuses(shop.service.load(sale.order)).order,)
        if status != "completed"
    ]
    for problem in found:
        console.print(f"[red]wrong[/red]: {problem}")
    console.print("Audit: something is wrong." if found else "[green]Audit: all right.[/green]")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
