"""
What pricing costs: `price` at 10 to 10,000 lines, beside a plain script and beside django-oscar.

Run it by itself for the figures: ``python tests/benchmarks/bench_pricing.py``. The script is the
same arithmetic in `decimal`, numbers only: no checks, no values, no explanation. django-oscar is
measured where it is installed: its basket with one offer and tax, on SQLite in memory, in turn with
an equal draft. The run fails when pricing is not linear, or not 20 times faster than that.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import partial
from itertools import pairwise

from attrs import evolve

from ordercore.ids import CreditId, ItemId, LineId, Sku
from ordercore.money import EUR, Money
from ordercore.pricing.discounts import OrderDiscount, PercentOff
from ordercore.pricing.figures import slot_value
from ordercore.pricing.model import Charge, Draft, DraftLine, Tax
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.calculate import RefundBasis, calculate
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest

SIZES = (10, 100, 1_000, 10_000)
VAT = Tax(code="VAT20", rate=Fraction(20, 100))
CENT = Decimal("0.01")
MOST_GROWTH = 3
"""Per line, for ten times the lines: linear, with room for a busy machine."""
LEAST_RATIO = 20
"""How many times faster than django-oscar at least."""


def a_draft(lines: int) -> Draft:
    """Lines of goods with tax in the price, a tenth off the order, and shipping."""
    goods = tuple(
        DraftLine(
            id=LineId(str(number)),
            item=ItemId(f"item-{number}"),
            sku=Sku(f"SKU-{number}"),
            quantity=1 + number % 5,
            unit_price=Money(999 + number, EUR),
            taxes=(VAT,),
            tax_included=True,
        )
        for number in range(lines)
    )
    off = OrderDiscount(discount=PercentOff(code="TENTH", rate=Fraction(1, 10)))
    freight = Charge(id="ship", amount=Money(490, EUR), taxes=(VAT,), tax_included=True)
    return Draft(currency=EUR, lines=goods, discounts=(off,), charges=(freight,))


def by_script(lines: int) -> Decimal:
    """The same total and the same parts per line, as a script would work them out."""
    listed = [Decimal(999 + number) / 100 * (1 + number % 5) for number in range(lines)]
    off = (sum(listed) * Decimal("0.1")).quantize(CENT, ROUND_HALF_UP)
    parts = apportioned(off, listed)
    charged = [amount - part for amount, part in zip(listed, parts, strict=True)]
    taxes = [(amount / 6).quantize(CENT, ROUND_HALF_UP) for amount in charged]
    freight = apportioned(Decimal("4.90"), charged)
    freight_tax = apportioned(Decimal("0.82"), freight)
    assert sum(freight_tax) == Decimal("0.82")
    assert len(taxes) == lines
    return sum(charged, Decimal(0)) + sum(freight)


def apportioned(total: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Largest remainder, in cents."""
    everything, cents = sum(weights), int(total * 100)
    exact = [cents * weight / everything for weight in weights]
    parts = [int(part) for part in exact]
    rests = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in rests[: cents - sum(parts)]:
        parts[place] += 1
    return [Decimal(part) / 100 for part in parts]


def seconds(work: Callable[[], object], *, least: float = 0.4) -> float:
    """The median of several runs."""
    work()
    runs: list[float] = []
    begin = time.perf_counter()
    while len(runs) < 5 or time.perf_counter() - begin < least:
        start = time.perf_counter()
        work()
        runs.append(time.perf_counter() - start)
    return statistics.median(runs)


def growth(work: Callable[[int], Callable[[], object]], small: int, large: int) -> float:
    """How much longer the large one takes, per line."""
    return ratio(work(large), work(small)) * small / large


def ratio(slow: Callable[[], object], fast: Callable[[], object], *, least: float = 0.4) -> float:
    """How many times longer one takes than the other; they take turns, so noise meets both."""
    runs: list[tuple[float, float]] = []
    begin = time.perf_counter()
    while len(runs) < 5 or time.perf_counter() - begin < least:
        runs.append((once(slow), once(fast)))
    return statistics.median(one for one, _ in runs) / statistics.median(two for _, two in runs)


def once(work: Callable[[], object]) -> float:
    """How long it takes when it has just been done: what the other one left is out of the way."""
    work()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def priced_draft(lines: int) -> Callable[[], object]:
    """Pricing a draft of so many lines."""
    return partial(price, a_draft(lines))


def main() -> None:
    """Print the figures."""
    print(f"price(draft), median, Python {sys.version.split()[0]}")
    print(f"{'lines':>7} {'draft':>10} {'price':>10} {'per line':>10} {'script':>10} {'ratio':>7}")
    for lines in SIZES:
        draft = a_draft(lines)
        assert price(draft).total.decimal == by_script(lines)
        made = seconds(partial(a_draft, lines))
        ours = seconds(partial(price, draft))
        script = seconds(partial(by_script, lines))
        print(
            f"{lines:>7} {made * 1e3:>7.2f} ms {ours * 1e3:>7.2f} ms"
            f" {ours / lines * 1e6:>7.2f} us {script * 1e3:>7.2f} ms {ours / script:>6.2f}x"
        )
    for small, large in pairwise(SIZES):
        factor = growth(priced_draft, small, large)
        print(f"growth from {small:,} to {large:,} lines: {factor:.2f} x linear")
        assert factor < MOST_GROWTH, "pricing is not linear"
    slots_and_refunds()
    if importlib.util.find_spec("oscar") is None:
        print("django-oscar is not installed here: no comparison")
    else:
        beside_oscar()


def slots_and_refunds() -> None:
    """What one later amount costs in an order of 10,000 lines and a line of a million units."""
    order = price(a_draft(10_000))
    line = order.lines[5_000]
    print(f"total of 10,000 lines, cached: {seconds(lambda: order.total) * 1e6:.2f} us")
    first = SlotSet.of(0, 1)
    one = seconds(lambda: slot_value(order, line.id, first))
    print(f"slot_value of one slot: {one * 1e6:.2f} us")
    draft = a_draft(1)
    many = price(evolve(draft, lines=(evolve(draft.lines[0], quantity=1_000_000),)))
    half = SlotSet.of(0, 500_000)
    name = many.lines[0].id
    print(f"of half a million slots: {seconds(lambda: slot_value(many, name, half)) * 1e6:.2f} us")
    request = RefundRequest(
        id=CreditId("C"),
        cause=CreditCause.RETURNED,
        items=(RefundItem(line=line.id, slots=first),),
    )
    basis = RefundBasis(priced=order, held=order.total)
    print(f"quote for one unit of it: {seconds(lambda: calculate(basis, request)) * 1e6:.2f} us")


# --- beside django-oscar ---


def a_basket(lines: int) -> Draft:
    """What the basket in django-oscar has: tax on top, a tenth off, no shipping."""
    draft = a_draft(lines)
    goods = tuple(evolve(line, tax_included=False) for line in draft.lines)
    return evolve(draft, lines=goods, charges=())


def beside_oscar() -> None:
    """An equal basket in django-oscar: lines, one offer of a tenth, tax of 20 %, its total."""
    oscar_total = importlib.import_module("oscar_basket").oscar_total
    print("a basket with one offer and tax: django-oscar, beside making a Draft and price()")
    for lines in (10, 100):
        theirs, ours = oscar_total(lines), total_of_basket(lines)
        assert abs(theirs() - ours().decimal) <= CENT * lines, "the baskets are not equal"
        factor = ratio(theirs, ours, least=4)
        print(
            f"{lines:>7} lines: oscar {seconds(theirs) * 1e3:.2f} ms,"
            f" ordercore {seconds(ours) * 1e3:.2f} ms, {factor:.0f} times faster"
        )
        assert factor >= LEAST_RATIO, "not so much faster than django-oscar"


def total_of_basket(lines: int) -> Callable[[], Money]:
    """Making a draft of so many lines, and its total."""
    return lambda: price(a_basket(lines)).total


def test_pricing_is_linear() -> None:
    """Ten times the lines take about ten times as long, and a line takes no millisecond."""
    assert growth(priced_draft, 100, 1_000) < MOST_GROWTH
    assert seconds(priced_draft(1_000)) < 1


if __name__ == "__main__":
    main()
