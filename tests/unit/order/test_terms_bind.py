"""What the terms promise reaches the warehouse."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.decide import MissingSerialsError
from ordercore.fulfilment.queries import LateKind, late, next_deadline
from ordercore.ids import FulfilmentId, ItemId, LineId, ParcelId
from ordercore.moment import Period
from ordercore.order.terms import Terms
from tests.laws.order_world import Shop, line

PHONE = LineId("phone")
F1 = FulfilmentId("o-1-F1")


def test_a_serialised_unit_is_packed_with_its_serial_number() -> None:
    """I-8: without one for each unit nothing is packed; with them the slot of each is known."""
    shop = Shop()
    shop.receive("phone", 3)
    order = shop.place(line("phone", 2), terms=Terms(serialised=frozenset({ItemId("phone")})))
    bare = fc.PackItem(line=PHONE, quantity=2)
    named = fc.PackItem(line=PHONE, quantity=2, serials=("S1", "S2"))
    parcel = ParcelId("P1")
    with pytest.raises(MissingSerialsError, match="one for each unit"):
        shop.do(order.id, fc.PackParcel(parcel=parcel, fulfilment=F1, items=(bare,)))
    shop.do(order.id, fc.PackParcel(parcel=parcel, fulfilment=F1, items=(named,)))
    order = shop.do(order.id, fc.Dispatch(parcel=parcel)).order
    assert ("S1", "S2") == order.fulfilment.parcels[parcel].items[0].serials


def test_work_is_late_after_the_time_of_the_terms() -> None:
    """F-6: from the planning on, work has so long to leave; a query names what has not."""
    shop = Shop()
    shop.receive("phone", 3)
    order = shop.place(line("phone", 2), terms=Terms(dispatch_within=Period(hours=4)))
    due = order.fulfilment.orders[F1].dispatch_by
    assert due is not None
    assert timedelta(hours=4) <= due - order.placed_at < timedelta(hours=4, seconds=1)
    assert due == next_deadline(order.fulfilment, shop.clock.now)
    shop.clock.forward(timedelta(hours=5))
    (found,) = late(order.fulfilment, shop.clock.now)
    assert (LateKind.DISPATCH, F1, due) == (found.kind, found.id, found.due_at)
    assert () == late(shop.send_all(order.id).fulfilment, shop.clock.now)


def test_terms_that_say_nothing_make_nothing_late() -> None:
    """F-6: without a time to dispatch no work is late."""
    shop = Shop()
    shop.receive("phone", 3)
    order = shop.place(line("phone", 2))
    assert None is order.fulfilment.orders[F1].dispatch_by
