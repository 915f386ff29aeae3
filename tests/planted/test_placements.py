"""Wrong ways to weigh a placement, each of which lets some gift through."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest

from ordercore.facts import Event, Request
from ordercore.money import Money
from ordercore.order.model import Order
from ordercore.pricing.model import PricedLine
from ordercore.service import _weighed
from tests.regressions.test_placements import GIVING, let_through

TRUSTING = {
    "on account",
    "in part on account",
    "cash on delivery",
    "shipped before it is paid",
    "little enough to be forgotten",
    "forgotten as a whole",
}


def trusts(placed: Order) -> Iterator[Money]:
    """What may leave unpaid is not looked at."""
    del placed
    return iter(())


def believes(command: Request, events: tuple[Event, ...]) -> None:
    """Whatever price somebody names is the shop's."""
    del command, events


def nothing_on_top(line: PricedLine, minor: int | Fraction) -> int:
    """The tax that is not charged is not counted."""
    del line
    return int(minor)


def all_of_a_kit(line: PricedLine) -> int:
    """Each component is weighed as if the kit had cost no more than it does."""
    return line.list_amount.minor if line.kit else _REGULAR(line)


_REGULAR = _weighed._regular
BUGS = {
    "_placed_on_trust": (trusts, TRUSTING),
    "_lowered": (believes, set(GIVING) - TRUSTING),
    "_with_tax": (nothing_on_top, {"with tax on top"}),
    "_regular": (all_of_a_kit, {"a kit"}),
}


def test_no_gift_is_let_through() -> None:
    """Without a bug there is none."""
    assert set() == let_through()


@pytest.mark.parametrize("name", BUGS)
def test_a_wrong_measure_lets_gifts_through(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions: each part of the measure is needed."""
    bug, gifts = BUGS[name]
    monkeypatch.setattr(_weighed, name, bug)
    assert gifts == let_through()
