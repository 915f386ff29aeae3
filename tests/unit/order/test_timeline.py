"""O-9: notes, tags, external references, and a timeline that says who, when, when told, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordercore.fulfilment.commands import ReportTracking
from ordercore.fulfilment.model import ParcelStatus
from ordercore.ids import LineId, ParcelId
from ordercore.order import commands as oc
from ordercore.order.commands import Cancel
from ordercore.order.terms import Terms
from ordercore.payment.cards import CardNumberError
from ordercore.ports.unit_of_work import AlreadyClaimedError
from ordercore.service.engine import SYSTEM
from tests.laws.order_world import BUYER, STAFF, Shop, line

PAN = "4111 1111 1111 1111"
FREE = Terms(release_automatically=False)


def test_the_timeline_says_who_when_and_why() -> None:
    """O-9: the reason of a command stands there, with what was given beside it."""
    shop = Shop()
    shop.receive("tea", 3)
    order = shop.place(line("tea", 3), terms=FREE)
    less = oc.CancelUnits(units=((LineId("tea"), 1),), reason="too many")
    shop.service.execute(order.id, less, by=BUYER, reason="by phone")
    shop.service.execute(order.id, Cancel(reason="changed my mind"), by=STAFF)
    shop.service.execute(order.id, oc.AddNote(text="done"), by=STAFF, reason=f"card {PAN}")
    told = [(one.by, one.reason) for one in shop.service.history(order.id) if one.by != SYSTEM]
    assert [BUYER, BUYER, STAFF, STAFF] == [by for by, _ in told]
    assert ["", "too many; by phone", "changed my mind"] == [why for _, why in told][:3]
    assert "1111" not in told[3][1]


def test_the_timeline_has_both_times() -> None:
    """O-9: what was told late stands where it was told, and says when it happened."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    order = shop.send_all(order.id)
    (parcel,) = order.fulfilment.parcels
    happened = shop.clock()
    shop.clock.forward(timedelta(days=2))
    late = ReportTracking(parcel=ParcelId(parcel), status=ParcelStatus.DELIVERED, at=happened)
    shop.do(order.id, late)
    history = list(shop.service.history(order.id))
    last = next(one for one in reversed(history) if one.by == STAFF)
    assert happened == last.occurred_at
    assert last.recorded_at - happened >= timedelta(days=2)
    times = [one.recorded_at for one in history]
    assert sorted(times) == times


def test_notes_tags_and_references_stay_with_the_order() -> None:
    """O-9, PAY-8: words are masked, names are refused, and a reference is one order's only."""
    shop = Shop()
    shop.receive("tea", 2)
    order, other = shop.place(line("tea", 1)), shop.place(line("tea", 1))
    shop.do(order.id, oc.AddNote(text=f"paid with {PAN}"))
    shop.do(order.id, oc.ChangeTags(add=("gift", "vip")))
    shop.do(order.id, oc.ChangeTags(remove=("vip",)))
    erp = oc.AddReference(system="erp", value="4711")
    after = shop.do(order.id, erp).order
    assert "1111" not in after.notes[0]
    assert (("gift",), (("erp", "4711"),)) == (after.tags, after.references)
    assert order.id == shop.service.find("erp", "4711")
    with pytest.raises(AlreadyClaimedError):
        shop.do(other.id, erp)
    with pytest.raises(CardNumberError):
        shop.do(order.id, oc.ChangeTags(add=(PAN,)))
