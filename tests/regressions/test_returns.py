"""Pains of other order systems that cannot be had here, and abuse that is refused: returns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve as changed

from ordercore.ids import ItemId, LineId
from ordercore.inventory.moves import moves_of
from ordercore.moment import Period, parse_instant
from ordercore.pricing.slots import SlotSet
from ordercore.returns import commands as cmd
from ordercore.returns.decide import (
    ReturnExceedsDispatchedError,
    ReturnWindowClosedError,
    UnknownReturnLineError,
    decide_returns,
)
from ordercore.returns.model import Grade, ReturnReason, ReturnsState, RmaStatus
from ordercore.returns.policy import ReturnFacts, ReturnPolicy
from tests.unit.returns.desk import (
    BASIS,
    CUP,
    NOW,
    R1,
    R2,
    TEA,
    after,
    decided,
    found,
    inspect,
    receive,
    request,
    units,
    wish,
    with_policy,
)

NONE = ReturnsState()


def test_goods_come_back_without_a_refund() -> None:
    """Receiving goods needs no money, and money needs no goods (medusa #4052)."""
    state = after(receive(units(TEA, 1)))
    assert RmaStatus.RECEIVED is state.rmas[R1].status
    assert {} == state.accepted


def test_a_line_that_stands_there_twice_is_counted_twice() -> None:
    """Duplicate return lines do not double the right to return (medusa #14936)."""
    with pytest.raises(ReturnExceedsDispatchedError):
        decided(NONE, request(wish(TEA, 3), wish(TEA, 3)))
    with pytest.raises(ReturnExceedsDispatchedError):
        decided(NONE, receive(units(TEA, 3), units(TEA, 3)))


def test_the_same_goods_are_not_returned_twice() -> None:
    """Two returns of one unit: the second is refused (medusa #14936)."""
    state = after(request(wish(CUP, 2)))
    with pytest.raises(ReturnExceedsDispatchedError):
        decided(state, request(wish(CUP, 1), return_id=R2))


def test_only_what_was_received_and_accepted_counts() -> None:
    """A refund for goods that never came has no basis here (spree PR #14678)."""
    state = after(request(wish(TEA, 3)), receive(units(TEA, 1)))
    assert {} == state.accepted
    state = after(
        request(wish(TEA, 3)),
        receive(units(TEA, 1)),
        inspect(found(units(TEA, 1))),
    )
    assert {TEA: SlotSet.of(0, 1)} == state.accepted


def test_a_time_limit_and_eligibility_can_be_had() -> None:
    """Windows and rules that explain themselves (asked for in vendure #3576)."""
    late = decided(
        NONE, request(wish(TEA, 1, reason=ReturnReason.WARRANTY)), now=NOW + timedelta(400)
    )
    assert late
    with pytest.raises(ReturnWindowClosedError):
        decided(NONE, request(wish(TEA, 1)), now=NOW + timedelta(400))


# --- abuse (rows 49 to 51 of the catalogue) -----------------------------------------------------


@pytest.mark.parametrize("quantity", [5, 10**12])
def test_more_than_was_shipped_is_refused(quantity: int) -> None:
    """Row 49: quantity above shipped less returned."""
    for command in (request(wish(TEA, quantity)), receive(units(TEA, quantity))):
        with pytest.raises(ReturnExceedsDispatchedError):
            decided(NONE, command)


@pytest.mark.parametrize("line", ["3-unshipped", "1-of-another-order"])
def test_a_line_that_was_not_shipped_is_refused(line: str) -> None:
    """Row 49: an unshipped line, another order's line."""
    basis = changed(
        BASIS,
        lines={**BASIS.lines, LineId("3-unshipped"): ReturnFacts(item=ItemId("hat"))},
    )
    for command in (request(wish(LineId(line), 1)), receive(units(LineId(line), 1))):
        with pytest.raises(UnknownReturnLineError):
            decided(NONE, command, basis)


def test_after_the_window_it_is_too_late() -> None:
    """Row 50: after the window, on the second."""
    closes = parse_instant("2026-04-02T00:00:00Z")
    assert decided(NONE, request(wish()), now=closes - timedelta(microseconds=1))
    with pytest.raises(ReturnWindowClosedError):
        decided(NONE, request(wish()), now=closes)


def test_a_clock_set_back_opens_no_window() -> None:
    """Row 50: an older clock is still inside, and never lengthens the window's end."""
    (asked,) = decided(NONE, request(wish()), now=NOW - timedelta(days=900))
    assert asked.at == NOW - timedelta(days=900)
    with pytest.raises(ReturnWindowClosedError) as late:
        decided(NONE, request(wish()), now=NOW + timedelta(days=31))
    assert parse_instant("2026-04-02T00:00:00Z") == late.value.until


@pytest.mark.parametrize(
    ("delivered", "last"),
    [
        ("2028-01-29T22:30:00Z", "2028-02-29T22:59:59Z"),
        ("2028-02-29T10:00:00Z", "2028-03-29T21:59:59Z"),
        ("2026-09-30T10:00:00Z", "2026-10-30T22:59:59Z"),
    ],
)
def test_leap_days_and_clock_changes_are_the_shops(delivered: str, last: str) -> None:
    """Row 50: calendar arithmetic in the shop's time zone."""
    policy = ReturnPolicy(window=Period(months=1), tz="Europe/Vienna")
    facts = ReturnFacts(item=ItemId("tea"), last_delivered_at=parse_instant(delivered))
    basis = changed(with_policy(policy), lines={TEA: facts})
    end = parse_instant(last)
    assert decide_returns(NONE, request(wish()), end, basis=basis)
    with pytest.raises(ReturnWindowClosedError):
        decide_returns(NONE, request(wish()), end + timedelta(seconds=1), basis=basis)


def test_what_is_received_twice_is_in_stock_once() -> None:
    """Row 51: the second scan of the same units finds nothing to receive, nothing to restock."""
    exact = units(TEA, slots=SlotSet.of(0, 2))
    state = after(receive(exact))
    with pytest.raises(ReturnExceedsDispatchedError):
        decided(state, receive(exact))
    state = after(receive(exact), inspect(found(exact)))
    assert () == decided(state, inspect(found(exact)))


def test_what_a_carrier_brought_and_a_clerk_received_is_in_stock_once() -> None:
    """Row 51: a refused parcel is booked in by the first of the two who tell of it."""
    there = SlotSet.of(3, 4)
    basis = changed(BASIS, sent_back={TEA: there}, arrived={TEA: there})
    (event,) = decided(NONE, receive(units(TEA, slots=there)), basis)
    assert () == moves_of(event)


def test_rejected_goods_are_not_the_customers_money() -> None:
    """A damaged unit is not accepted unless somebody says so (sonata-ecommerce #177)."""
    state = after(receive(units(TEA, 1)), inspect(found(units(TEA, 1), Grade.C_DAMAGED)))
    assert {} == state.accepted


def test_a_closed_return_stays_a_fact() -> None:
    """Closing forgets nothing that came (vendure #989)."""
    state = after(receive(units(TEA, 1)), cmd.CloseReturn(return_id=R1))
    assert {TEA: SlotSet.of(0, 1)} == state.received
