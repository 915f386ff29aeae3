from __future__ import annotations

from fractions import Fraction
from typing import cast

import pytest
from attrs import evolve

from ordercore.inventory.model import Counters
from ordercore.inventory.replenish import (
    Demand,
    InvalidDemandError,
    Level,
    ReplenishRule,
    advise,
    days_of_cover,
    demand_of,
    economic_order_quantity,
    order_up_to,
    position,
    reorder_point,
    safety_stock,
)
from ordercore.money import InvalidQuantityError
from tests.laws.stock_world import place

TEN = Demand(mean=Fraction(10), deviation=Fraction(2))
NINE_DAYS = ReplenishRule(lead_days=Fraction(9))
CUP, POT, JUG = place(), place("pot"), place("jug")


def test_demand_is_a_mean_and_a_spread() -> None:
    """Sample standard deviation, to a millionth; one day has none."""
    demand = demand_of([4, 8, 6])
    assert (Fraction(6), Fraction(2)) == (demand.mean, demand.deviation)
    assert Demand(mean=Fraction(5)) == demand_of([5])
    assert Fraction(0) == demand_of([0, 0]).mean


@pytest.mark.parametrize("history", [[], [-1], [1.5], ["3"], [True]])
def test_demand_needs_whole_days(history: list[object]) -> None:
    """No days, and days that nobody could have counted, are refused."""
    with pytest.raises(InvalidDemandError):
        demand_of(cast("list[int]", history))


def test_figures_are_exact_numbers() -> None:
    """Floats are never accepted, even where statistics use them."""
    for wrong in (0.5, -1, "1", True, None, 10**13):
        with pytest.raises(InvalidDemandError):
            Demand(mean=cast("Fraction", wrong))
    for level in (Fraction(0), Fraction(1), Fraction(3, 2), 0.95, 1):
        with pytest.raises(InvalidDemandError):
            ReplenishRule(lead_days=Fraction(1), service_level=cast("Fraction", level))


def test_the_order_point_covers_the_lead_time() -> None:
    """Mean demand until the arrival, and 1.645 times the spread at 95 % (RULES I-10)."""
    assert (10, 100) == (safety_stock(TEN, NINE_DAYS), reorder_point(TEN, NINE_DAYS))
    late = evolve(NINE_DAYS, lead_deviation=Fraction(1))
    assert (20, 110) == (safety_stock(TEN, late), reorder_point(TEN, late))
    sure = evolve(NINE_DAYS, service_level=Fraction(999, 1000))
    assert 19 == safety_stock(TEN, sure)
    even = evolve(NINE_DAYS, service_level=Fraction(1, 2))
    assert (0, 90) == (safety_stock(TEN, even), reorder_point(TEN, even))


def test_a_low_service_level_keeps_nothing() -> None:
    """Nobody plans to be short on purpose: never below the mean demand."""
    rule = evolve(NINE_DAYS, service_level=Fraction(1, 10))
    assert (0, 90) == (safety_stock(TEN, rule), reorder_point(TEN, rule))


def test_the_order_level_covers_the_next_review_too() -> None:
    """With a review each week."""
    weekly = evolve(NINE_DAYS, review_days=Fraction(7))
    assert (100, 174) == (order_up_to(TEN, NINE_DAYS), order_up_to(TEN, weekly))


def test_the_economic_order_quantity_is_a_whole_number_of_units() -> None:
    """Wilson's formula, where it is not whole the cheaper neighbour; at least one unit."""
    assert 200 == economic_order_quantity(1200, order_cost_minor=5000, holding_cost_minor=300)
    assert 1 == economic_order_quantity(1, order_cost_minor=1, holding_cost_minor=9_000)
    assert 4 == economic_order_quantity(7, order_cost_minor=1, holding_cost_minor=1)
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(InvalidQuantityError):
            economic_order_quantity(cast("int", wrong), order_cost_minor=1, holding_cost_minor=1)


def test_days_of_cover_are_whole_days() -> None:
    """Rounded down; none of what is oversold; no end where nothing is sold."""
    assert (2, 0) == (days_of_cover(29, TEN), days_of_cover(-5, TEN))
    assert days_of_cover(5, Demand(mean=Fraction(0))) is None


def test_the_position_counts_what_is_announced_and_promised() -> None:
    """On hand and announced, less what is set aside, reserved and awaited."""
    row = Counters(on_hand=9, reserved=2, queued=4, unavailable=1, incoming=5)
    assert 7 == position(row)


def test_advice_comes_with_the_most_urgent_first() -> None:
    """What is low by its cover, then what is enough, what is too much last (RULES I-10)."""
    rule = evolve(NINE_DAYS, review_days=Fraction(7), overstock_days=60)
    counters = {
        CUP: Counters(on_hand=90),
        POT: Counters(on_hand=20),
        JUG: Counters(on_hand=900),
        place("mug"): Counters(on_hand=150),
        place("new"): Counters(),
    }
    demands = dict.fromkeys(counters, TEN)
    rules = {at: rule for at in counters if at.item != "new"}
    advice = advise(counters, demands, rules)
    assert [
        ("pot", Level.LOW, 154, 2),
        ("cup", Level.LOW, 84, 9),
        ("mug", Level.ENOUGH, 0, 15),
        ("jug", Level.OVER, 0, 90),
    ] == [(one.place.item, one.level, one.order, one.days_of_cover) for one in advice]


def test_orders_are_whole_packs() -> None:
    """At least the smallest order, rounded up to packs."""
    low = {CUP: Counters(on_hand=90)}
    packs = evolve(NINE_DAYS, review_days=Fraction(7), pack=50, least=120)
    (advice,) = advise(low, {CUP: TEN}, {CUP: packs})
    assert 150 == advice.order


def test_what_is_never_sold_is_too_much() -> None:
    """Stock without demand is over as soon as there is some."""
    rule = evolve(NINE_DAYS, overstock_days=60)
    dead = Demand(mean=Fraction(0))
    full, empty = {CUP: Counters(on_hand=3)}, {CUP: Counters()}
    assert Level.OVER is advise(full, {CUP: dead}, {CUP: rule})[0].level
    assert Level.ENOUGH is advise(empty, {CUP: dead}, {CUP: rule})[0].level
