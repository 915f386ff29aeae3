"""Wrong ways to hear a report, each of which the law must notice."""

from __future__ import annotations

from datetime import datetime

import pytest

from ordercore.facts import Event
from ordercore.fulfilment import _parcels_decide as parcels
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment._basis import FulfilmentBasis, NotShippableError, parcel_of
from ordercore.fulfilment.model import FulfilmentState, Parcel
from tests.laws.test_order import Step, World
from tests.laws.test_reports import law_of_reports

PACKED: list[Step] = [("place", 1, 0), ("pack", 0, 0)]


def heard(story: list[Step]) -> bool:
    """Whether every report is absorbed or parked at the end of a story."""
    world = World()
    for _ in world.play(story):
        pass
    order = world.shop.load(world.shop.orders[0])
    try:
        law_of_reports(order, world.shop.clock.now)
    except Exception:  # noqa: BLE001  # whatever it is, the report was refused
        return False
    return True


def test_without_a_bug_all_is_heard() -> None:
    """The story itself is sound."""
    assert heard(PACKED)


def test_an_unknown_parcel_that_is_refused_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report about a parcel that nobody knows is parked, not refused (RULES O-2)."""

    def refused(
        state: FulfilmentState, report: fc.ReportTracking, problem: str
    ) -> tuple[Event, ...]:
        parcel_of(state, report.parcel)
        raise AssertionError(problem)

    monkeypatch.setattr(parcels, "_park", refused)
    assert not heard(PACKED)


def test_a_scan_that_asks_for_money_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has left has left: no cover is asked of a report (RULES F-4)."""

    def covered(
        _: FulfilmentState, parcel: Parcel, now: datetime, basis: FulfilmentBasis
    ) -> tuple[Event, ...]:
        raise NotShippableError(parcel.id, f"{basis.owner} is not covered at {now}")

    monkeypatch.setattr(parcels, "_leaving", covered)
    assert not heard(PACKED)
