"""
What carriers say, made one: neutral words, and a merge that no order of reports can fool.

Reports come late, twice and out of order. So a parcel does not keep "the last report" but a
`Track`, whose every field is a minimum or a maximum over all reports; the status is read off it:

* **returned** is the end, whatever comes after;
* **returning** beats a handing over of before, and anything on the way;
* **delivered** or **collected** beats anything on the way, a loss too, however late it is told;
* on the way, the latest time counts: a lost parcel that is scanned again is found.

Any permutation and repetition of the same reports ends in the same track, hence in the same status
(RULES F-5). A person may set a parcel right; what a carrier dated before that is void then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from ordercore.fulfilment.model import Parcel, ParcelStatus, Track
from ordercore.ids import checked_id

__all__ = ["CarrierMap", "correct", "corrected", "merge", "merged", "status_of"]

ON_THE_WAY: Final = (
    ParcelStatus.UNKNOWN,
    ParcelStatus.IN_TRANSIT,
    ParcelStatus.OUT_FOR_DELIVERY,
    ParcelStatus.FAILED_ATTEMPT,
    ParcelStatus.AVAILABLE_FOR_PICKUP,
    ParcelStatus.DAMAGED,
    ParcelStatus.LOST,
)
"""Of two reports with the same time, the one that stands later here counts."""
HANDED_OVER: Final = (ParcelStatus.DELIVERED, ParcelStatus.COLLECTED)


def merge(track: Track, status: ParcelStatus, at: datetime) -> Track:
    """
    The track after one more report; the same track where it says nothing new.

    Source:
        RULES F-5.

    >>> from ordercore.moment import parse_instant
    >>> noon, evening = (parse_instant(f"2026-07-01T{hour}:00:00Z") for hour in (12, 18))
    >>> track = merge(Track(), ParcelStatus.DELIVERED, noon)
    >>> status_of(merge(track, ParcelStatus.IN_TRANSIT, evening)).value
    'delivered'
    """
    if track.not_before is not None and at <= track.not_before:
        return track
    if status in HANDED_OVER:
        return _handed_over(track, status, at)
    if status is ParcelStatus.RETURNING:
        if track.returning_at is None or track.returning_at < at:
            return evolve(_arrived(track), returning_at=at)
    elif status is ParcelStatus.RETURNED:
        if track.returned_at is None or at < track.returned_at:
            return evolve(_arrived(track), returned_at=at)
    elif status in ON_THE_WAY and not _has_arrived(track) and _is_later(track, status, at):
        return evolve(track, moving=status, moving_at=at)
    return track


def _has_arrived(track: Track) -> bool:
    """Whether what is said about its way can matter no more."""
    ends = (track.handed_over_at, track.returning_at, track.returned_at)
    return any(at is not None for at in ends)


def _arrived(track: Track) -> Track:
    return evolve(track, moving=None, moving_at=None)


def _handed_over(track: Track, status: ParcelStatus, at: datetime) -> Track:
    known = track.handed_over_at
    if known is None or at < known or (at == known and _before(status, track.handed_over)):
        return evolve(_arrived(track), handed_over=status, handed_over_at=at)
    return track


def _before(status: ParcelStatus, other: ParcelStatus | None) -> bool:
    return other is not None and HANDED_OVER.index(status) < HANDED_OVER.index(other)


def _is_later(track: Track, status: ParcelStatus, at: datetime) -> bool:
    if track.moving is None or track.moving_at is None:
        return True
    known = (track.moving_at, ON_THE_WAY.index(track.moving))
    return known < (at, ON_THE_WAY.index(status))


def status_of(track: Track) -> ParcelStatus:
    """The status of a dispatched parcel that its track adds up to."""
    if track.returned_at is not None:
        return ParcelStatus.RETURNED
    handed_over_at = track.handed_over_at
    if track.returning_at is not None and (
        handed_over_at is None or handed_over_at <= track.returning_at
    ):
        return ParcelStatus.RETURNING
    return track.handed_over or track.moving or ParcelStatus.DISPATCHED


def correct(track: Track, status: ParcelStatus, at: datetime) -> Track:
    """
    The track after a person said where the parcel is; older reports are void from now on.

    A parcel that comes back stays one that was handed over, if it was.
    """
    keeps = status in {ParcelStatus.RETURNING, ParcelStatus.RETURNED} and track.was_handed_over
    base = Track(
        handed_over=track.handed_over if keeps else None,
        handed_over_at=track.handed_over_at if keeps else None,
    )
    return evolve(merge(base, status, at), not_before=at)


def merged(parcel: Parcel, status: ParcelStatus, raw: str, at: datetime) -> Parcel:
    """The parcel after one more report; the same parcel where it says nothing new."""
    track = merge(parcel.track, status, at)
    if track == parcel.track:
        return parcel
    after = status_of(track)
    return evolve(parcel, track=track, status=after, raw=raw if after is status else parcel.raw)


def corrected(parcel: Parcel, status: ParcelStatus, at: datetime) -> Parcel:
    """The parcel after a person set it right."""
    track = correct(parcel.track, status, at)
    return evolve(parcel, track=track, status=status_of(track), raw="")


def _codes(value: Mapping[str, ParcelStatus]) -> Mapping[str, ParcelStatus]:
    return {checked_id(code, "carrier code").casefold(): status for code, status in value.items()}


@frozen
class CarrierMap:
    """
    What a carrier's codes mean, as data that a host may replace (RULES F-5).

    >>> CarrierMap("post", {"Zugestellt": ParcelStatus.DELIVERED}).status("ZUGESTELLT").value
    'delivered'
    >>> CarrierMap("post").status("Z-99").value
    'unknown'
    """

    carrier: str
    codes: Mapping[str, ParcelStatus] = field(factory=dict[str, ParcelStatus], converter=_codes)

    def status(self, raw: str) -> ParcelStatus:
        """The neutral word for a carrier's code; ``unknown`` where the map has none."""
        return self.codes.get(raw.casefold(), ParcelStatus.UNKNOWN)
