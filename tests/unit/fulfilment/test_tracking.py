from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from ordercore.fulfilment.model import ParcelStatus, Track
from ordercore.fulfilment.tracking import CarrierMap, correct, merge, status_of
from ordercore.ids import InvalidIdentifierError
from tests.unit.fulfilment.house import hours

Said = Sequence[tuple[ParcelStatus, int]]
S = ParcelStatus


def track_of(said: Said) -> Track:
    track = Track()
    for status, hour in said:
        track = merge(track, status, hours(hour))
    return track


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], S.DISPATCHED),
        ([(S.IN_TRANSIT, 1)], S.IN_TRANSIT),
        ([(S.IN_TRANSIT, 1), (S.UNKNOWN, 2)], S.UNKNOWN),
        ([(S.UNKNOWN, 1), (S.IN_TRANSIT, 1)], S.IN_TRANSIT),
        ([(S.OUT_FOR_DELIVERY, 1), (S.FAILED_ATTEMPT, 2), (S.IN_TRANSIT, 3)], S.IN_TRANSIT),
        ([(S.FAILED_ATTEMPT, 1), (S.AVAILABLE_FOR_PICKUP, 2), (S.COLLECTED, 3)], S.COLLECTED),
        ([(S.LOST, 5), (S.IN_TRANSIT, 6)], S.IN_TRANSIT),
        ([(S.LOST, 5), (S.DELIVERED, 1)], S.DELIVERED),
        ([(S.DAMAGED, 5), (S.DELIVERED, 6)], S.DELIVERED),
        ([(S.DELIVERED, 5), (S.OUT_FOR_DELIVERY, 9)], S.DELIVERED),
        ([(S.DELIVERED, 5), (S.RETURNING, 7)], S.RETURNING),
        ([(S.DELIVERED, 5), (S.RETURNING, 5)], S.RETURNING),
        ([(S.RETURNING, 5), (S.DELIVERED, 7)], S.DELIVERED),
        ([(S.DELIVERED, 3), (S.RETURNING, 5), (S.DELIVERED, 7)], S.RETURNING),
        ([(S.RETURNING, 5), (S.OUT_FOR_DELIVERY, 7)], S.RETURNING),
        ([(S.RETURNED, 3), (S.DELIVERED, 7), (S.LOST, 9)], S.RETURNED),
        ([(S.DELIVERED, 3), (S.COLLECTED, 3)], S.DELIVERED),
    ],
)
def test_each_story_has_one_end_in_any_order(said: Said, expected: ParcelStatus) -> None:
    """The table of stories, told in every order and with its first report twice (RULES F-5)."""
    for order in permutations(said):
        assert expected is status_of(track_of([*order, *order[:1]]))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([(S.RETURNED, 5)], False),
        ([(S.DELIVERED, 3), (S.RETURNED, 5)], True),
        ([(S.RETURNED, 5), (S.DELIVERED, 7)], False),
        ([(S.RETURNED, 5), (S.RETURNED, 9), (S.DELIVERED, 7)], False),
        ([(S.IN_TRANSIT, 5)], False),
    ],
)
def test_delivered_to_the_sender_is_no_delivery(said: Said, expected: bool) -> None:
    """Carriers say delivered when a parcel is back; only a handing over of before counts."""
    for order in permutations(said):
        assert expected is track_of(order).was_handed_over


def test_what_says_nothing_new_is_the_same_track() -> None:
    """A repeated report is recognised without a memory of all reports."""
    track = track_of([(S.DELIVERED, 5), (S.RETURNING, 6), (S.RETURNED, 7), (S.IN_TRANSIT, 2)])
    for status, hour in [
        (S.DELIVERED, 5),
        (S.RETURNING, 6),
        (S.RETURNED, 8),
        (S.IN_TRANSIT, 1),
        (S.PACKED, 9),
        (S.DISPATCHED, 9),
    ]:
        assert track is merge(track, status, hours(hour))


def test_a_person_knew_better() -> None:
    """What carriers dated before a correction is void, what they say later counts."""
    track = correct(track_of([(S.DELIVERED, 5)]), S.IN_TRANSIT, hours(6))
    assert S.IN_TRANSIT is status_of(track)
    assert S.IN_TRANSIT is status_of(merge(track, S.DELIVERED, hours(6)))
    assert S.DELIVERED is status_of(merge(track, S.DELIVERED, hours(7)))


def test_a_corrected_return_was_delivered_if_it_was() -> None:
    """Setting a parcel to returning does not undo its delivery."""
    track = correct(track_of([(S.DELIVERED, 5)]), S.RETURNING, hours(6))
    assert (S.RETURNING, True) == (status_of(track), track.was_handed_over)
    track = correct(track_of([(S.IN_TRANSIT, 5)]), S.RETURNED, hours(6))
    assert (S.RETURNED, False) == (status_of(track), track.was_handed_over)


def test_a_map_knows_codes_in_any_case() -> None:
    """Carriers change the case of their codes, not their meaning."""
    codes = CarrierMap("post", {"Return_To_Sender": S.RETURNING})
    assert S.RETURNING is codes.status("RETURN_TO_SENDER")
    assert S.UNKNOWN is codes.status("Return")
    assert S.UNKNOWN is codes.status("")


def test_an_empty_code_maps_to_nothing() -> None:
    """A map with an empty code is a mistake."""
    with pytest.raises(InvalidIdentifierError):
        CarrierMap("post", {"": S.DELIVERED})
