"""The sandbox carrier: bookings by key, and parcels that are scanned on their way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from ordercore.fulfilment.commands import ReportTracking
from ordercore.fulfilment.model import (
    Booked,
    BookingAnswer,
    BookingDeclined,
    BookingUnknown,
    Parcel,
    ParcelItem,
    ParcelStatus,
)
from ordercore.ids import FulfilmentId, ItemId, Key, LineId, LocationId, OrderId, ParcelId
from ordercore.ports.gateways import BookingRequest
from ordercore.testing.sandbox import (
    Delivery,
    Fate,
    Faults,
    SandboxCarrier,
    SandboxDownError,
    SandboxGateway,
    UnknownToSandboxError,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORDER = OrderId("o-1")
PARCEL = Parcel(
    id=ParcelId("P1"),
    fulfilment=FulfilmentId("F1"),
    location=LocationId("shop"),
    items=(ParcelItem(line=LineId("1"), item=ItemId("tea"), quantity=2),),
    carrier="sandbox",
    weight_g=1200,
)


def request(key: str = "k", parcel: Parcel = PARCEL) -> BookingRequest:
    return BookingRequest(order=ORDER, key=Key(key), parcel=parcel)


def carrier(
    faults: Faults | None = None, *, collects_after: timedelta | None = None
) -> SandboxCarrier:
    return SandboxCarrier(
        ":memory:",
        clock=lambda: NOON,
        faults=faults or Faults(),
        collects_after=collects_after,
    )


def booked(answer: BookingAnswer) -> Booked:
    assert isinstance(answer, Booked)
    return answer


def way(deliveries: list[Delivery]) -> list[ParcelStatus]:
    """The statuses that were told, in the order in which they happened."""
    reports = [delivery.report for delivery in deliveries]
    scans = [report for report in reports if isinstance(report, ReportTracking)]
    assert len(scans) == len(reports)
    return [scan.status for scan in sorted(scans, key=lambda scan: scan.at)]


def test_a_parcel_is_booked_once() -> None:
    """The same key and body gives the same number; another parcel has another."""
    van = carrier()
    first = booked(van.book(request()))
    assert first == van.book(request())
    other = booked(van.book(request("k2", evolve(PARCEL, id=ParcelId("P2")))))
    assert first.tracking_number != other.tracking_number
    assert f"sandbox:label:{first.tracking_number}" == first.label
    assert [("k", "P1"), ("k2", "P2")] == [(row.key, row.parcel) for row in van.ledger()]


def test_a_key_keeps_its_body() -> None:
    """Another parcel under a known key is declined."""
    van = carrier()
    van.book(request())
    heavier = evolve(PARCEL, weight_g=1300)
    assert BookingDeclined(reason="key_reused") == van.book(request("k", heavier))


def test_heavy_parcels_are_declined() -> None:
    """More than 31.5 kg is too much, the same each time."""
    van = carrier()
    van.book(request("k1", evolve(PARCEL, weight_g=31_500)))
    heavy = request("k2", evolve(PARCEL, weight_g=31_501))
    assert [BookingDeclined(reason="too heavy")] * 2 == [van.book(heavy) for _ in range(2)]
    assert ["", "too heavy"] == [row.declined for row in van.ledger()]
    with pytest.raises(UnknownToSandboxError):
        van.hand_over(ORDER, ParcelId("P2"))


def test_a_lost_answer_is_booked_once() -> None:
    """Nobody knows, but the carrier does."""
    van = carrier(Faults(lost_answer=1000))
    assert [BookingUnknown(reason="timeout")] * 2 == [van.book(request()) for _ in range(2)]
    assert 1 == len(van.ledger())


def test_a_lost_call_is_not_booked() -> None:
    """Nobody knows, and the carrier does not either."""
    van = carrier(Faults(lost_call=1000))
    assert BookingUnknown(reason="timeout") == van.book(request())
    assert () == van.ledger()


def test_a_late_call_is_booked_when_it_arrives() -> None:
    """Nobody hears of it; the books know when it will be, and a resend gets the same number."""
    van = carrier(Faults(late_call=1000))
    assert isinstance(van.book(request()), BookingUnknown)
    (entry,) = van.ledger()
    assert NOON < entry.booked_at <= NOON + Faults().longest_delay
    van.meet(Fate.FINE)
    assert entry.tracking_number == booked(van.book(request())).tracking_number
    assert 1 == len(van.ledger())


def test_books_are_gone_back_to() -> None:
    """What was saved is there again, and what came since is not."""
    van = carrier(collects_after=timedelta(hours=1))
    van.book(request())
    saved, before = van.save(), van.ledger()
    van.book(request("other"))
    van.meet(Fate.ERROR)
    van.restore(saved)
    assert (saved, before) == (van.save(), van.ledger())
    booked(van.book(request()))


def test_a_server_error_raises() -> None:
    """Nothing was booked."""
    van = carrier(Faults(error=1000))
    with pytest.raises(SandboxDownError):
        van.book(request())
    assert () == van.ledger()


def test_a_parcel_goes_its_way_after_it_was_handed_over() -> None:
    """Nothing is told before; then transit, delivery, in order, some hours apart."""
    van = carrier()
    van.book(request())
    assert [] == list(van.tracking(NOON + timedelta(days=30)))
    handed = NOON + timedelta(days=30)
    van.hand_over(ORDER, ParcelId("P1"), at=handed)
    assert [] == list(van.tracking(handed + timedelta(hours=1)))
    seen = list(van.tracking(handed + timedelta(hours=22)))
    assert [ParcelStatus.IN_TRANSIT, ParcelStatus.OUT_FOR_DELIVERY] == way(seen)
    assert {ORDER} == {delivery.order for delivery in seen}
    assert [ParcelStatus.DELIVERED] == way(list(van.tracking(handed + timedelta(hours=26))))
    assert [] == list(van.tracking(handed + timedelta(days=9)))


def test_a_parcel_is_fetched_by_itself() -> None:
    """Some time after the booking, unless it was handed over before."""
    van = carrier(collects_after=timedelta(hours=2))
    van.book(request())
    (row,) = van.ledger()
    assert NOON + timedelta(hours=2) == row.collected_at
    assert 3 == len(list(van.tracking(NOON + timedelta(days=2))))
    early = carrier(collects_after=timedelta(hours=2))
    early.book(request())
    early.hand_over(ORDER, ParcelId("P1"))
    assert NOON == early.ledger()[0].collected_at
    assert 3 == len(list(early.tracking(NOON + timedelta(days=2))))


def test_a_parcel_is_handed_over_once() -> None:
    """What is on its way, or was never booked, cannot be handed over."""
    van = carrier()
    van.book(request())
    van.hand_over(ORDER, ParcelId("P1"))
    with pytest.raises(UnknownToSandboxError):
        van.hand_over(ORDER, ParcelId("P1"))
    with pytest.raises(UnknownToSandboxError):
        van.hand_over(ORDER, ParcelId("P9"))


@pytest.mark.parametrize(
    ("faults", "last"),
    [
        (Faults(failed_attempt=1000), ParcelStatus.DELIVERED),
        (Faults(sent_back=1000), ParcelStatus.RETURNED),
        (Faults(lost_parcel=1000), ParcelStatus.LOST),
    ],
    ids=["second try", "sent back", "lost"],
)
def test_parcels_may_go_astray(faults: Faults, last: ParcelStatus) -> None:
    """A first attempt fails, a parcel comes back, or never arrives."""
    van = carrier(faults)
    van.book(request())
    van.hand_over(ORDER, ParcelId("P1"))
    told = way(list(van.tracking(NOON + timedelta(days=30))))
    assert last is told[-1]
    assert (last is not ParcelStatus.LOST) == (ParcelStatus.FAILED_ATTEMPT in told)


def test_scans_come_late_twice_and_out_of_order() -> None:
    """Each scan comes with the same id for each copy, until all have come."""
    van = carrier(
        Faults(twice=500, late=500, longest_wait=timedelta(hours=30)),
        collects_after=timedelta(hours=2),
    )
    for number in range(20):
        van.book(request(f"k{number}", evolve(PARCEL, id=ParcelId(f"P{number}"))))
    seen = list(van.tracking(NOON + timedelta(days=5)))
    assert 60 == len({delivery.id for delivery in seen})
    assert 75 < len(seen) < 120
    assert [delivery.at for delivery in seen] == sorted(delivery.at for delivery in seen)
    happened = [delivery.report.at for delivery in seen]
    assert happened != sorted(happened)


def test_a_receiver_that_dies_is_told_again() -> None:
    """A message counts as delivered when the next one is asked for."""
    van = carrier(collects_after=timedelta(hours=2))
    van.book(request())
    until = NOON + timedelta(days=2)
    first = next(van.tracking(until))
    assert [first.id] == [delivery.id for delivery in van.tracking(until)][:1]


def test_it_may_share_a_file_with_the_gateway(tmp_path: Path) -> None:
    """Both keep their own tables, and the books outlive who wrote them."""
    SandboxGateway(tmp_path / "outside.db").close()
    van = SandboxCarrier(tmp_path / "outside.db")
    van.book(request())
    van.close()
    again = SandboxCarrier(tmp_path / "outside.db")
    assert ["P1"] == [row.parcel for row in again.ledger()]
    assert [] == list(again.tracking())
