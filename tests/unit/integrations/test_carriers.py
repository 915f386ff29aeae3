"""What EasyPost says about parcels, in neutral words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ordercore.codec.strict_json import PayloadError
from ordercore.fulfilment.model import ParcelStatus, Track
from ordercore.fulfilment.tracking import CarrierMap, merge, status_of
from ordercore.integrations.carriers import EASYPOST, read_trackers


def scan(status: str, detail: str | None, at: str = "2026-07-01T12:00:00Z") -> dict[str, object]:
    """One entry of the tracking details."""
    return {"status": status, "status_detail": detail, "datetime": at, "message": "At Ann's door"}


def tracker(*scans: dict[str, object], **changes: object) -> str:
    """A tracker with these scans."""
    fields = {
        "id": "trk_1",
        "tracking_code": "EZ1",
        "status": "in_transit",
        "updated_at": "2026-07-01T12:00:00Z",
        "carrier": "USPS",
        "tracking_details": list(scans),
    }
    return json.dumps({**fields, **changes})


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("trackers-create", ["EZ1000000001"]),
        ("trackers-retrieve", ["EZ1000000001"]),
        ("trackers-list", ["EZ1000000001"]),
        ("orders-buy", ["9400100208303109837512", "9434600208303109842303"]),
        ("orders-one-call-buy", ["9400100208303109837529", "9434600208303109842310"]),
        ("orders-create", []),
        ("orders-retrieve", []),
        ("event-body", ["1"]),
    ],
)
def test_every_sample_is_read(shared_data: Path, name: str, numbers: list[str]) -> None:
    """One tracker, a list, the shipments of an order, or a webhook's event."""
    raw = (shared_data / "payloads" / "easypost" / f"{name}.json").read_bytes()
    assert numbers == [tracking.tracking_number for tracking in read_trackers(raw)]


def test_scans_keep_the_carriers_words(shared_data: Path) -> None:
    """Neutral word, status, detail and the carrier's own code, the oldest first."""
    raw = (shared_data / "payloads" / "easypost" / "event-body.json").read_bytes()
    (tracking,) = read_trackers(raw)
    assert [
        (ParcelStatus.PACKED, "pre_transit/label_created/OC"),
        (ParcelStatus.IN_TRANSIT, "in_transit/arrived_at_facility/PU"),
    ] == [(one.status, one.raw) for one in tracking.scans[:2]]
    assert 7 == len(tracking.scans)
    assert (False, "FedEx") == (tracking.is_test, tracking.carrier)


@pytest.mark.parametrize(
    ("status", "detail", "expected"),
    [
        ("in_transit", "damaged", ParcelStatus.DAMAGED),
        ("failure", "lost", ParcelStatus.LOST),
        ("failure", "refused", ParcelStatus.FAILED_ATTEMPT),
        ("in_transit", "return", ParcelStatus.RETURNING),
        ("return_to_sender", "unknown", ParcelStatus.RETURNING),
        ("in_transit", "arrived_at_pickup_location", ParcelStatus.AVAILABLE_FOR_PICKUP),
        ("OUT_FOR_DELIVERY", None, ParcelStatus.OUT_FOR_DELIVERY),
        ("delivered", "damaged", ParcelStatus.DELIVERED),
        ("failure", "unknown", ParcelStatus.UNKNOWN),
        ("error", None, ParcelStatus.UNKNOWN),
        ("teleported", "beamed_up", ParcelStatus.UNKNOWN),
    ],
)
def test_a_detail_may_say_more_than_its_status(
    status: str, detail: str | None, expected: ParcelStatus
) -> None:
    """What no map knows becomes unknown, and its words are kept."""
    (tracking,) = read_trackers(tracker(scan(status, detail)))
    (one,) = tracking.scans
    assert (expected, status if detail is None else f"{status}/{detail}") == (one.status, one.raw)


def test_a_host_gives_its_own_map() -> None:
    """The maps are data, and replaceable."""
    own = CarrierMap("easypost", {**EASYPOST.codes, "teleported": ParcelStatus.DELIVERED})
    (tracking,) = read_trackers(tracker(status="teleported"), statuses=own)
    assert ParcelStatus.DELIVERED is tracking.status


def test_scans_are_sorted_and_merge_into_a_track() -> None:
    """However they are listed, the track of the parcel is the same."""
    scans = [
        scan("delivered", None, "2026-07-03T09:00:00Z"),
        scan("out_for_delivery", None, "2026-07-03T07:00:00Z"),
        scan("in_transit", None, "2026-07-02T07:00:00Z"),
    ]
    (tracking,) = read_trackers(tracker(*scans))
    assert sorted(one.at for one in tracking.scans) == [one.at for one in tracking.scans]
    track = Track()
    for one in tracking.scans:
        track = merge(track, one.status, one.at)
    assert ParcelStatus.DELIVERED is status_of(track)


def test_messages_are_not_printed() -> None:
    """Free text of a driver may name a person."""
    assert "Ann" not in repr(read_trackers(tracker(scan("delivered", None))))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("[]", "$"),
        ("{}", "$"),
        ('{"trackers": {}}', "$.trackers"),
        ('{"result": {"object": "Batch"}}', "$.result"),
        (tracker(status=None), "$.status"),
        (tracker(updated_at="soon"), "$.updated_at"),
        (tracker({"status": "x"}), "$.tracking_details[0].datetime"),
    ],
)
def test_what_is_no_tracker_is_refused_by_its_path(raw: str, path: str) -> None:
    """The error is typed and says where."""
    with pytest.raises(PayloadError) as caught:
        read_trackers(raw)
    assert path == caught.value.path
