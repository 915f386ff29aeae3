"""
Carriers: what EasyPost says about parcels, as neutral reports.

Nothing is lost in translation: every scan keeps the carrier's own words, and a word that the map
does not have becomes ``unknown`` for a person to look at, never a guess (RULES F-5). The maps are
data; a host that knows better gives its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import field, frozen

from ordercore.codec.strict_json import PayloadError, Reader, loads
from ordercore.fulfilment.model import ParcelStatus
from ordercore.fulfilment.tracking import CarrierMap
from ordercore.integrations.people import plain

__all__ = ["EASYPOST", "EASYPOST_DETAILS", "Scan", "Tracking", "read_trackers"]

EASYPOST: Final = CarrierMap(
    "easypost",
    {
        "pre_transit": ParcelStatus.PACKED,
        "in_transit": ParcelStatus.IN_TRANSIT,
        "out_for_delivery": ParcelStatus.OUT_FOR_DELIVERY,
        "delivered": ParcelStatus.DELIVERED,
        "available_for_pickup": ParcelStatus.AVAILABLE_FOR_PICKUP,
        "return_to_sender": ParcelStatus.RETURNING,
    },
)
"""``failure``, ``cancelled`` and ``error`` are left out: they do not say where the parcel is."""

EASYPOST_DETAILS: Final = CarrierMap(
    "easypost",
    {
        "arrived_at_pickup_location": ParcelStatus.AVAILABLE_FOR_PICKUP,
        "damaged": ParcelStatus.DAMAGED,
        "lost": ParcelStatus.LOST,
        "refused": ParcelStatus.FAILED_ATTEMPT,
        "return": ParcelStatus.RETURNING,
    },
)
"""Details that say more than the status they stand beside; a delivery is never overruled."""


@frozen(kw_only=True)
class Scan:
    """One thing that a carrier has said about a parcel."""

    status: ParcelStatus
    raw: str
    """The carrier's words: ``in_transit/arrived_at_facility``, with its own code where given."""
    at: datetime
    message: str = field(default="", repr=False)


@frozen(kw_only=True)
class Tracking:
    """All that a carrier has said about one parcel, the oldest scan first."""

    id: str
    carrier: str
    tracking_number: str
    status: ParcelStatus
    raw: str
    updated_at: datetime
    scans: tuple[Scan, ...]
    is_return: bool
    is_test: bool


def read_trackers(
    raw: bytes | str, *, statuses: CarrierMap = EASYPOST, details: CarrierMap = EASYPOST_DETAILS
) -> tuple[Tracking, ...]:
    """
    The trackers of an EasyPost answer: one, ``{"trackers": […]}``, or the event of a webhook.

    Shipments and orders that carry a tracker are read too; those without one have nothing to say.

    Args:
        statuses: What EasyPost's statuses mean.
        details: What its ``status_detail`` means, where it says more than the status.

    Raises:
        PayloadError: No tracker anywhere, or a field of a wrong type, with its path.

    Source:
        RULES F-5, X-1; EasyPost API, Tracker.
    """
    words = _Words(statuses, details)
    return tuple(words.tracking(owner) for owner in _trackers(Reader.of(loads(raw))))


def _trackers(document: Reader) -> tuple[Reader, ...]:
    if document.raw("trackers") is not None:
        return document.items("trackers")
    if document.raw("shipments") is not None:
        inside = (row.optional_reader("tracker") for row in document.items("shipments"))
        return tuple(tracker for tracker in inside if tracker is not None)
    for name in ("result", "tracker"):
        if document.raw(name) is not None:
            document = document.reader(name)
    if document.raw("tracking_code") is None:
        raise PayloadError(document.path, "it is no tracker, and has none")
    return (document,)


@frozen
class _Words:
    """The two maps while an answer is read."""

    statuses: CarrierMap
    details: CarrierMap

    def tracking(self, owner: Reader) -> Tracking:
        status, raw = self.meaning(owner)
        return Tracking(
            id=owner.identifier("id"),
            carrier=plain(owner.optional_text("carrier")),
            tracking_number=plain(owner.text("tracking_code")),
            status=status,
            raw=raw,
            updated_at=owner.instant("updated_at"),
            scans=tuple(
                sorted(
                    (self.scan(row) for row in owner.optional_items("tracking_details")),
                    key=lambda scan: scan.at,
                )
            ),
            is_return=owner.optional_boolean("is_return") or False,
            is_test=owner.optional_text("mode") == "test",
        )

    def scan(self, row: Reader) -> Scan:
        status, raw = self.meaning(row)
        code = plain(row.optional_text("carrier_code"))
        return Scan(
            status=status,
            raw=f"{raw}/{code}" if code else raw,
            at=row.instant("datetime"),
            message=plain(row.optional_text("message")),
        )

    def meaning(self, row: Reader) -> tuple[ParcelStatus, str]:
        """The neutral word, and the carrier's own; a detail that is known says more."""
        status = plain(row.text("status", longest=100))
        detail = plain(row.optional_text("status_detail", longest=100))
        found = self.statuses.status(status)
        better = self.details.status(detail)
        if better is not ParcelStatus.UNKNOWN and found is not ParcelStatus.DELIVERED:
            found = better
        return found, f"{status}/{detail}" if detail else status
