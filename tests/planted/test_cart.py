"""Wrong ways to turn a cart into an order, each of which a test must notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from ordercore.inventory.model import Counters, StockPlace, WantedLine
from ordercore.inventory.reserve import freed
from ordercore.process import settle as settling
from tests.laws.order_world import Shop
from tests.unit.service import test_cart as carts


@pytest.fixture
def shop() -> Shop:
    """A shop with three cups of tea."""
    shop = Shop()
    shop.receive("tea", 3)
    return shop


def test_a_cart_that_is_forgotten_is_noticed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order looks for free units, and finds its own cart's in the way."""

    def forget(wanted: Iterable[WantedLine], _held: object) -> tuple[object, object]:
        return (), tuple(wanted)

    monkeypatch.setattr(settling, "handed_over", forget)
    with pytest.raises(Exception, match="Out of stock"):
        carts.test_the_last_units_of_a_cart_become_an_order(shop)


def test_an_allotment_that_is_taken_twice_is_noticed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The buyer's own cart uses his allotment up."""

    def full(counters: Mapping[StockPlace, Counters], _given: object) -> object:
        return freed(counters, ())

    monkeypatch.setattr(settling, "freed", full)
    with pytest.raises(Exception, match="Out of stock"):
        carts.test_a_buyer_who_may_have_no_more_may_order_what_the_cart_has(shop)
