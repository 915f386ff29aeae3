from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve as changed

from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment.decide import (
    AlreadyThereError,
    FulfilmentBasis,
    MissingSerialsError,
    NotShippableError,
    TooManyUnitsError,
    UnknownParcelError,
    UnknownWorkLineError,
    allotted,
)
from ordercore.fulfilment.model import (
    Booked,
    BookingDeclined,
    BookingUnknown,
    InvalidFulfilmentError,
    ParcelStatus,
    WorkStatus,
)
from ordercore.fulfilment.queries import serial_slots
from ordercore.ids import ItemId, LineId, ParcelId
from ordercore.inventory.model import MoveKind
from ordercore.machine import NotAllowedError
from ordercore.pricing.slots import SlotSet
from tests.unit.fulfilment.house import (
    BASIS,
    CUP,
    F1,
    NOW,
    OPEN,
    OWNER,
    P1,
    P2,
    PACK,
    RELEASE,
    REST,
    SEND,
    TEA,
    after,
    decided,
    hours,
    packed,
    planned,
    released,
    report,
    sent,
    units,
)


def test_packing_picks_what_was_not_picked() -> None:
    """A shop that only packs still has its picks in the ledger."""
    picked, parcel = decided(released(), PACK)
    assert isinstance(picked, ev.UnitsPicked)
    assert {TEA: 2, CUP: 1} == {item.line: item.quantity for item in picked.items}
    assert isinstance(parcel, ev.ParcelPacked)
    state = after(released(), cmd.PickUnits(fulfilment=F1, lines=(units(TEA, 2),)))
    picked, _ = decided(state, PACK)
    assert isinstance(picked, ev.UnitsPicked)
    assert {CUP: 1} == {item.line: item.quantity for item in picked.items}


def test_nothing_is_packed_twice() -> None:
    """A parcel id is used once, and so is a unit."""
    with pytest.raises(AlreadyThereError, match="parcel p-1 already"):
        decided(packed(), PACK)
    with pytest.raises(TooManyUnitsError, match="there are 1"):
        decided(packed(), changed(PACK, parcel=P2))


def test_unpacked_units_stay_picked() -> None:
    """A parcel that is taken apart leaves its units beside the packing table."""
    state = after(packed(), cmd.UnpackParcel(parcel=P1))
    assert {} == state.parcels
    assert (3, 0) == (state.totals.picked, state.orders[F1].lines[0].packed)
    assert after(state, PACK).parcels.keys() == {P1}


def test_a_parcel_takes_the_lowest_free_slots() -> None:
    """Dispatch fills a line's slots from below (RULES M-7)."""
    state = sent()
    assert {TEA: SlotSet.of(0, 2), CUP: SlotSet.of(0, 1)} == state.dispatched
    state = after(state, REST, cmd.Dispatch(parcel=P2, tracking_number="Z1"))
    assert OPEN == state.dispatched
    assert WorkStatus.CLOSED is state.orders[F1].status
    assert "Z1" == state.parcels[P2].tracking_number


def test_a_dispatch_is_a_ship_move_of_its_owner() -> None:
    """The stock ledger learns who took what from where."""
    (event,) = decided(packed(), SEND)
    assert isinstance(event, ev.ShipmentDispatched)
    assert [(MoveKind.SHIP, TEA, 2, OWNER), (MoveKind.SHIP, CUP, 1, OWNER)] == [
        (move.kind, move.line, move.quantity, move.owner) for move in event.moves
    ]


def test_what_needs_no_stock_moves_none() -> None:
    """A line without stock is packed and sent all the same."""
    state = after(planned(), RELEASE, PACK)
    parcel = state.parcels[P1]
    items = tuple(changed(item, tracked=False) for item in parcel.items)
    state = changed(state, parcels={P1: changed(parcel, items=items)})
    (event,) = decided(state, SEND)
    assert isinstance(event, ev.ShipmentDispatched)
    assert () == event.moves


def test_nothing_leaves_that_is_not_covered() -> None:
    """Money and holds are the order's business; their reason reaches the warehouse (RULES F-4)."""
    poor = changed(BASIS, shippable=False, reason="7.00 EUR are not covered")
    with pytest.raises(NotShippableError, match=r"p-1 may not leave: 7\.00 EUR are not covered"):
        decided(packed(), SEND, poor)


def test_nothing_leaves_twice() -> None:
    """A parcel that has left cannot leave again, and cannot be unpacked."""
    for command in (SEND, cmd.UnpackParcel(parcel=P1), cmd.RetryBooking(parcel=P1, carrier="x")):
        with pytest.raises(NotAllowedError, match="only a packed parcel"):
            decided(sent(), command)


def test_nothing_leaves_that_was_cancelled_meanwhile() -> None:
    """Fewer open slots than units in the parcel: it must be packed anew."""
    basis = FulfilmentBasis(owner=OWNER, open_slots={TEA: SlotSet.of(0, 1), CUP: OPEN[CUP]})
    with pytest.raises(TooManyUnitsError, match="cannot be dispatched: there are 1"):
        decided(packed(), SEND, basis)


def test_nothing_leaves_from_work_on_hold() -> None:
    """A held fulfilment order keeps its parcels."""
    state = after(packed(), cmd.HoldFulfilment(fulfilment=F1, reason="address"))
    with pytest.raises(NotAllowedError):
        decided(state, SEND)


def test_an_unknown_parcel_is_named() -> None:
    """A wrong id is refused by name."""
    with pytest.raises(UnknownParcelError, match="no parcel p-9 here"):
        decided(packed(), cmd.Dispatch(parcel=ParcelId("p-9")))


def test_one_line_may_be_in_a_parcel_twice() -> None:
    """Two lots of one line take slots of their own."""
    items = (
        cmd.PackItem(line=TEA, quantity=1, lot="L1"),
        cmd.PackItem(line=TEA, quantity=2, lot="L2"),
    )
    state = after(released(), changed(PACK, items=items))
    found = allotted(state.parcels[P1], OPEN)
    assert [("L1", SlotSet.of(0, 1)), ("L2", SlotSet.of(1, 3))] == [
        (item.lot, item.slots) for item in found
    ]


SERIALISED = changed(BASIS, serialised=frozenset({ItemId("item-2-cup")}))


@pytest.mark.parametrize("serials", [(), ("S1",)])
def test_serialised_units_need_their_serials(serials: tuple[str, ...]) -> None:
    """One serial number for each unit, or it is not packed (RULES I-8)."""
    items = (cmd.PackItem(line=CUP, quantity=2, serials=serials),)
    with pytest.raises((MissingSerialsError, InvalidFulfilmentError), match="serial"):
        decided(released(), changed(PACK, items=items), SERIALISED)


def test_a_serial_leaves_once() -> None:
    """The same serial number is in one parcel only, and its slot can be found."""
    one = changed(PACK, items=(cmd.PackItem(line=CUP, quantity=1, serials=("S1",)),))
    state = after(released(), one, basis=SERIALISED)
    again = changed(one, parcel=P2)
    with pytest.raises(MissingSerialsError, match="is in parcel p-1"):
        decided(state, again, SERIALISED)
    twice = changed(
        PACK,
        items=(
            cmd.PackItem(line=CUP, quantity=1, serials=("S2",)),
            cmd.PackItem(line=CUP, quantity=1, serials=("S2",)),
        ),
    )
    with pytest.raises(MissingSerialsError, match="packed twice"):
        decided(released(), twice, SERIALISED)
    state = after(state, SEND, basis=SERIALISED)
    assert {CUP: {"S1": 0}, TEA: {}} == serial_slots(state, [CUP, TEA])


def test_a_download_is_sent_and_delivered() -> None:
    """Without a parcel, both happen at once (RULES F-4)."""
    book = LineId("3-book")
    basis = changed(BASIS, digital={book: ItemId("ebook")}, open_slots={book: SlotSet.of(0, 2)})
    state = after(planned(), cmd.DeliverDigital(lines=(units(book, 1),)), basis=basis)
    assert SlotSet.of(0, 1) == state.dispatched[book] == state.delivered[book]
    assert {book: NOW} == state.delivered_at
    with pytest.raises(TooManyUnitsError):
        decided(state, cmd.DeliverDigital(lines=(units(book, 2),)), basis)
    with pytest.raises(UnknownWorkLineError):
        decided(state, cmd.DeliverDigital(lines=(units(TEA, 1),)), basis)
    unpaid = changed(basis, shippable=False, reason="unpaid")
    with pytest.raises(NotShippableError, match=r"What is downloaded .* unpaid"):
        decided(state, cmd.DeliverDigital(lines=(units(book, 1),)), unpaid)


# --- booking ------------------------------------------------------------------------------------

BY_POST = changed(PACK, carrier="post", service="express")
BOOKED = cmd.ReportBooking(
    parcel=P1, answer=Booked(tracking_number="Z1", label="label-1"), at=hours(1)
)


def booking(answer: Booked | BookingDeclined | BookingUnknown) -> cmd.ReportBooking:
    return cmd.ReportBooking(parcel=P1, answer=answer, at=hours(1))


def test_a_parcel_without_a_carrier_needs_no_booking() -> None:
    """Store pick-up is the same flow with nobody to ask."""
    assert not packed().parcels[P1].needs_booking
    assert after(released(), BY_POST).parcels[P1].needs_booking


def test_a_booking_gives_a_number_and_a_label() -> None:
    """A booked parcel is booked once, however often it is told."""
    state = after(released(), BY_POST, BOOKED)
    parcel = state.parcels[P1]
    assert ("Z1", "label-1", False) == (
        parcel.tracking_number,
        parcel.booking.label,
        parcel.needs_booking,
    )
    assert () == decided(state, BOOKED)


def test_a_second_booking_is_for_a_person() -> None:
    """Another label for the same parcel must be voided by somebody."""
    state = after(released(), BY_POST, BOOKED, booking(Booked(tracking_number="Z2")))
    assert "Z1" == state.parcels[P1].tracking_number
    assert ["booked as Z2, but it is not wanted: void that label"] == [
        kept.problem for kept in state.parked
    ]


def test_a_booking_for_an_unpacked_parcel_is_kept() -> None:
    """The label exists, the parcel does not."""
    state = after(released(), BY_POST, cmd.UnpackParcel(parcel=P1), BOOKED)
    assert 1 == len(state.parked)
    assert () == decided(state, BOOKED)


def test_no_answer_is_asked_again_a_bounded_number_of_times() -> None:
    """The wait doubles from five minutes; then a person decides."""
    state = after(released(), BY_POST)
    waits: list[timedelta | None] = []
    for _ in range(9):
        state = after(state, booking(BookingUnknown()))
        retry_at = state.parcels[P1].booking.retry_at
        waits.append(None if retry_at is None else retry_at - NOW)
    assert [timedelta(minutes=5 * 2**n) for n in range(7)] == waits[:7]
    assert [None, None] == waits[7:]
    assert not state.parcels[P1].needs_booking


def test_a_declined_booking_goes_to_another_carrier() -> None:
    """A carrier's no is final unless it names a time; somebody may ask another one."""
    state = after(released(), BY_POST, booking(BookingDeclined(reason="too heavy")))
    assert "too heavy" == state.parcels[P1].booking.failed
    assert not state.parcels[P1].needs_booking
    state = after(state, cmd.RetryBooking(parcel=P1, carrier="freight"))
    parcel = state.parcels[P1]
    assert ("freight", "", True) == (parcel.carrier, parcel.service, parcel.needs_booking)


def test_a_booked_parcel_is_not_booked_again() -> None:
    """There is a label already."""
    with pytest.raises(NotAllowedError, match="has taken it already"):
        decided(after(released(), BY_POST, BOOKED), cmd.RetryBooking(parcel=P1))


def test_somebody_must_carry_it() -> None:
    """A booking without a carrier is a mistake."""
    with pytest.raises(InvalidFulfilmentError, match="carrier"):
        decided(packed(), cmd.RetryBooking(parcel=P1))


# --- tracking -----------------------------------------------------------------------------------


def test_delivered_slots_are_those_of_the_parcel() -> None:
    """A delivery is a fact about slots, with its own time."""
    state = after(sent(), report(ParcelStatus.DELIVERED, 5))
    assert state.dispatched == state.delivered
    assert {TEA: hours(5), CUP: hours(5)} == state.delivered_at
    assert (3, 3) == (state.totals.delivered, state.totals.ended)


def test_a_late_scan_changes_nothing() -> None:
    """In transit after delivered is old news, whatever its clock says."""
    state = after(sent(), report(ParcelStatus.DELIVERED, 5))
    assert () == decided(state, report(ParcelStatus.IN_TRANSIT, 3))
    state = after(state, report(ParcelStatus.IN_TRANSIT, 9))
    assert ParcelStatus.DELIVERED is state.parcels[P1].status


def test_the_same_report_again_adds_nothing() -> None:
    """A webhook that comes twice is one fact."""
    said = report(ParcelStatus.DELIVERED, 5, raw="DL")
    state = after(sent(), said)
    assert () == decided(state, said)
    assert "DL" == state.parcels[P1].raw


def test_a_found_parcel_is_not_lost() -> None:
    """Lost units stop being lost when the parcel is scanned or delivered."""
    state = after(sent(), report(ParcelStatus.LOST, 5))
    assert 3 == state.totals.lost
    state = after(state, report(ParcelStatus.DELIVERED, 4))
    assert (0, 3) == (state.totals.lost, state.totals.delivered)


def test_a_returned_parcel_puts_its_units_into_stock() -> None:
    """Refused units come back unavailable, and count as sent back without delivery."""
    returned = report(ParcelStatus.RETURNED, 9)
    (event,) = decided(sent(), returned)
    assert isinstance(event, ev.ParcelMoved)
    assert [(MoveKind.RETURN_IN, 2), (MoveKind.RETURN_IN, 1)] == [
        (move.kind, move.quantity) for move in event.moves
    ]
    state = after(sent(), returned)
    assert (3, 3) == (state.totals.sent_back, state.totals.undelivered)
    assert state.dispatched == state.arrived
    assert () == decided(state, returned)


def test_what_somebody_received_before_is_not_booked_in_twice() -> None:
    """The dock was faster than the carrier's report."""
    basis = changed(BASIS, received={TEA: SlotSet.of(0, 2)})
    (event,) = decided(sent(), report(ParcelStatus.RETURNED, 9), basis)
    assert isinstance(event, ev.ParcelMoved)
    assert [CUP] == [move.line for move in event.moves]


def test_a_delivered_parcel_that_comes_back_was_delivered() -> None:
    """Delivered may still be followed by returning (RULES F-5)."""
    state = after(sent(), report(ParcelStatus.DELIVERED, 5), report(ParcelStatus.RETURNING, 7))
    assert ParcelStatus.RETURNING is state.parcels[P1].status
    assert 3 == state.totals.delivered
    state = after(state, report(ParcelStatus.RETURNED, 9))
    assert (3, 0) == (state.totals.delivered, state.totals.sent_back)


def test_a_parcel_that_the_carrier_has_did_leave() -> None:
    """Nobody said so, but a scan is a truth: it is dispatched then, and not refused."""
    poor = changed(BASIS, shippable=False, reason="unpaid")
    state = after(packed(), report(ParcelStatus.IN_TRANSIT, 2), basis=poor)
    parcel = state.parcels[P1]
    assert (ParcelStatus.IN_TRANSIT, hours(2)) == (parcel.status, parcel.dispatched_at)
    assert 3 == state.totals.dispatched


def test_a_created_label_moves_nothing() -> None:
    """What a carrier calls "label created" is our packed."""
    assert () == decided(packed(), report(ParcelStatus.PACKED, 2))


def test_reports_that_match_nothing_are_kept_once() -> None:
    """An unknown parcel, or one whose units were cancelled, waits for a person."""
    stray = report(ParcelStatus.DELIVERED, 2, parcel=ParcelId("p-9"), raw="DL")
    state = after(sent(), stray)
    assert [("p-9", "there is no such parcel")] == [
        (kept.parcel, kept.problem) for kept in state.parked
    ]
    assert () == decided(state, stray)
    nothing_open = FulfilmentBasis(owner=OWNER)
    state = after(packed(), report(ParcelStatus.IN_TRANSIT, 2), basis=nothing_open)
    assert "cannot be dispatched" in state.parked[0].problem


def test_the_earliest_delivery_of_a_parcel_counts() -> None:
    """A repeated report with a later clock does not lengthen anybody's window."""
    state = after(sent(), report(ParcelStatus.DELIVERED, 9), report(ParcelStatus.DELIVERED, 5))
    assert hours(5) == state.delivered_at[TEA]


def test_the_last_parcel_of_a_line_counts() -> None:
    """A line in two parcels is delivered when the last one is."""
    state = after(sent(), REST, cmd.Dispatch(parcel=P2))
    state = after(
        state,
        report(ParcelStatus.DELIVERED, 9),
        report(ParcelStatus.DELIVERED, 5, parcel=P2),
    )
    assert {TEA: hours(9), CUP: hours(9)} == state.delivered_at
    state = after(state, report(ParcelStatus.DELIVERED, 2))
    assert {TEA: hours(5), CUP: hours(5)} == state.delivered_at


# --- corrections --------------------------------------------------------------------------------


def correct(status: ParcelStatus, reason: str = "the neighbour has it") -> cmd.CorrectParcel:
    return cmd.CorrectParcel(parcel=P1, status=status, reason=reason)


def test_a_delivery_can_be_revoked_by_a_person() -> None:
    """And the carrier's old report does not bring it back (RULES S, steps back)."""
    said = report(ParcelStatus.DELIVERED, -1)
    state = after(sent(), said, correct(ParcelStatus.LOST))
    assert (0, 3) == (state.totals.delivered, state.totals.lost)
    assert {} == state.delivered_at
    assert () == decided(state, said)
    state = after(state, report(ParcelStatus.DELIVERED, 4))
    assert (3, 0) == (state.totals.delivered, state.totals.lost)


def test_a_correction_needs_a_reason_and_a_parcel_on_its_way() -> None:
    """It is a person's word against the carrier's."""
    with pytest.raises(InvalidFulfilmentError, match="say why"):
        decided(sent(), correct(ParcelStatus.LOST, " "))
    with pytest.raises(NotAllowedError, match="only what has left"):
        decided(packed(), correct(ParcelStatus.LOST))
    with pytest.raises(NotAllowedError, match="only what has left"):
        decided(sent(), correct(ParcelStatus.PACKED))


def test_what_is_in_stock_again_is_not_corrected_away() -> None:
    """Its units may have been sold to somebody else by now."""
    state = after(sent(), correct(ParcelStatus.RETURNED))
    assert state.dispatched == state.arrived
    with pytest.raises(NotAllowedError, match="in stock again"):
        decided(state, correct(ParcelStatus.DELIVERED))
