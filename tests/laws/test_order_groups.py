"""O-8: whatever is cancelled, sent or received, each group gets its own units, and none twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordercore.errors import OrderCoreError
from ordercore.ids import ItemId, LineId, OrderId
from ordercore.inventory.commands import PolicyLine, SetStockPolicy
from ordercore.inventory.model import StockPolicy
from ordercore.inventory.reserve import BackorderRule
from ordercore.order import commands as oc
from ordercore.order.groups import DeliveryGroup, PartialShipments
from ordercore.order.model import Order
from ordercore.order.rules import holdings, open_units
from ordercore.order.terms import Terms
from tests.laws.order_world import ACCOUNT, BUYER, NORTH, SOUTH, Shop, basket, line

ITEMS = ("tea", "cup")
Step = tuple[str, int]


@st.composite
def divisions(draw: st.DrawFn) -> tuple[DeliveryGroup, ...]:
    """Up to three groups over four units of each of two lines."""
    groups: list[DeliveryGroup] = []
    left = Counter(dict.fromkeys(ITEMS, 4))
    for number in range(draw(st.integers(1, 3))):
        units: list[tuple[LineId, int]] = []
        for name in ITEMS:
            count = draw(st.integers(0, left[name]))
            if count:
                left[name] -= count
                units.append((LineId(name), count))
        if units:
            group = DeliveryGroup(
                id=f"g{number}",
                units=tuple(units),
                priority=draw(st.integers(0, 1)),
                partial=draw(st.sampled_from(PartialShipments)),
            )
            groups.append(group)
    return tuple(groups)


def check(order: Order) -> None:
    """No group is planned for more than it wants; no unit is planned twice."""
    wanted = {group.id: dict(group.units) for group in order.groups}
    planned: Counter[tuple[str, LineId]] = Counter()
    whole: Counter[LineId] = Counter()
    for work in order.fulfilment.orders.values():
        for known in work.lines:
            units = known.dispatched + (known.remaining if work.is_open else 0)
            planned[work.group, known.line] += units
            whole[known.line] += known.remaining if work.is_open else 0
    for (name, line_id), units in planned.items():
        if name:
            assert units <= wanted[name].get(line_id, 0), "a group has no more than it wants"
    for each in order.priced.lines:
        assert whole[each.id] <= open_units(order, each), "no unit is planned twice"


def check_rest(order: Order) -> None:
    """What is held is planned, but for the groups that wait to be complete."""
    patient = any(group.partial is PartialShipments.COMPLETE for group in order.groups)
    held = sum(row.reserved for row in holdings(order))
    planned = sum(work.remaining for work in order.fulfilment.open_orders)
    assert patient or held == planned, "held units are told to a location"


def law_of_groups(groups: tuple[DeliveryGroup, ...], story: list[Step]) -> None:
    """Both, after every step."""
    shop = Shop()
    for name in ITEMS:
        shop.receive(name, 2)
        row = PolicyLine(item=ItemId(name), location=NORTH, policy=StockPolicy(backorder_limit=9))
        shop.service.stock.execute(SetStockPolicy(lines=(row,)), by=BUYER)
    order = shop.service.place(
        basket(*(line(name, 4) for name in ITEMS)),
        key="k",
        by=BUYER,
        order=OrderId("o-1"),
        terms=Terms(backorder=BackorderRule.ALLOW, release_automatically=False),
        tenders=(ACCOUNT,),
        groups=groups,
    ).order
    for step, number in story:
        name = ITEMS[number % 2]
        try:
            match step:
                case "cancel":
                    shop.do(order.id, oc.CancelUnits(units=((LineId(name), 1 + number // 4),)))
                case "receive":
                    shop.receive(name, 1 + number % 3, SOUTH if number > 5 else NORTH)
                case _:
                    shop.do(order.id, oc.AmendTerms(terms=Terms(backorder=BackorderRule.ALLOW)))
                    shop.send_all(order.id)
        except OrderCoreError:
            pass
        shop.rest(rounds=2)
        order = shop.load(order.id)
        check(order)
        check_rest(order)


stories: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(("cancel", "receive", "receive", "send")), st.integers(0, 9)),
    max_size=6,
)


@given(groups=divisions(), story=stories)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_group_gets_its_own(groups: tuple[DeliveryGroup, ...], story: list[Step]) -> None:
    """O-8: a line may span groups, and every unit belongs to one of them."""
    law_of_groups(groups, story)
