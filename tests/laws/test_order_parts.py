"""O-7: however an order is divided, its parts sum to it, component by component, to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.ids import LineId
from ordercore.order.parts import parts_of
from ordercore.pricing.figures import slot_value
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import SlotSet
from ordercore.testing.strategies import priced_orders

Division = list[dict[LineId, SlotSet]]
Divide = Callable[[PricedOrder, Iterable[Mapping[LineId, SlotSet]]], tuple[PricedOrder, ...]]


def components(priced: PricedOrder) -> Counter[tuple[str, ...]]:
    """Every printed amount of an order, by what it is called, in minor units."""
    found: Counter[tuple[str, ...]] = Counter()
    for part in priced.parts:
        kind = type(part).__name__
        found[kind, part.id, "list"] += part.list_amount.minor
        found[kind, part.id, "charged"] += part.charged.minor
        found[kind, part.id, "net"] += part.net.minor
        for discount in part.discounts:
            found[kind, part.id, "discount", discount.code] += discount.amount.minor
        for tax in part.taxes:
            found[kind, part.id, "tax", tax.code] += tax.amount.minor
    for line in priced.lines:
        found["units", line.id] += line.quantity
    found["total",] += priced.total.minor
    return Counter({name: amount for name, amount in found.items() if amount})


@st.composite
def divided(draw: st.DrawFn) -> tuple[PricedOrder, Division]:
    """An order, and to which of up to three parts each of its units belongs."""
    priced = draw(priced_orders())
    division: Division = [{}, {}, {}]
    for line in priced.lines:
        owners = draw(st.lists(st.integers(0, 2), min_size=line.quantity, max_size=line.quantity))
        for owner, part in enumerate(division):
            slots = SlotSet.from_slots(n for n, own in enumerate(owners) if own == owner)
            if slots:
                part[line.id] = slots
    return priced, [part for part in division if part]


def law_of_parts(priced: PricedOrder, division: Division, divide: Divide = parts_of) -> None:
    """Each component of the parts sums to the whole's; each part is worth what its slots are."""
    parts = divide(priced, division)
    together: Counter[tuple[str, ...]] = Counter()
    for part, slots in zip(parts, division, strict=True):
        together.update(components(part))
        worth = sum(slot_value(priced, line, own).minor for line, own in slots.items())
        assert worth == part.total.minor, "a part is worth what its slots are"
    assert components(priced) == Counter({k: n for k, n in together.items() if n})


@given(order=divided())
@settings(max_examples=300)
def test_parts_sum_to_the_whole(order: tuple[PricedOrder, Division]) -> None:
    """O-7: list amounts, discounts, taxes and charges of the parts are those of the original."""
    law_of_parts(*order)
