"""Units that are named wrongly are refused in one way, whoever names them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ordercore.facts import Request
from ordercore.ids import LineId, OrderId
from ordercore.order import commands as oc
from ordercore.order.refusals import InvalidUnitsError, NothingToCancelError
from ordercore.order.terms import Terms
from tests.laws.order_world import CARD, Shop, line

TEA = LineId("tea")
Units = tuple[tuple[LineId, int], ...]


def cancelled(units: Units) -> Request:
    return oc.CancelUnits(units=units)


def split(units: Units) -> Request:
    return oc.SplitOrder(order=OrderId("part"), units=units, tenders=(CARD,))


def amended(units: Units) -> Request:
    return oc.ProposeAmendment(proposal="p", removals=units)


@pytest.mark.parametrize("named", [cancelled, split, amended])
@pytest.mark.parametrize("units", [((TEA, 0),), ((TEA, -1),), ((TEA, 1), (TEA, 1))])
def test_units_that_are_named_wrongly_are_one_error(
    named: Callable[[Units], Request], units: Units
) -> None:
    """O-4, O-5, O-7: no units of a line once "could not be cancelled: 2 are still open"."""
    shop = Shop()
    shop.receive("tea", 2)
    order = shop.place(line("tea", 2), terms=Terms(release_automatically=False))
    with pytest.raises(InvalidUnitsError, match=r"above zero \(tea\)"):
        shop.do(order.id, named(units))
    with pytest.raises(NothingToCancelError, match=r"3 units of line tea .* 2 are still open"):
        shop.do(order.id, named(((TEA, 3),)))
    assert order == shop.load(order.id)
