"""
The laws of fulfilment (RULES F-1 to F-5), as functions that also judge a wrong implementation.

A `Warehouse` plays random commands and reports against one order and checks everything after each
fact; `law_of_tracking` shuffles and repeats what a carrier said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Event, Report
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment.decide import (
    FulfilmentBasis,
    decide_fulfilment,
    evolve_fulfilment,
)
from ordercore.fulfilment.model import (
    FulfilmentState,
    LineUnits,
    Parcel,
    ParcelItem,
    ParcelStatus,
    ShortPolicy,
    Totals,
    Track,
    WorkLine,
)
from ordercore.fulfilment.planning import plan_cancel, plan_fulfilment, units_planned
from ordercore.fulfilment.status import PARCEL
from ordercore.fulfilment.tracking import merge, status_of
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId, StreamId
from ordercore.inventory.model import Allocation, MoveKind
from ordercore.inventory.moves import moves_of
from ordercore.machine import NotAllowedError
from ordercore.pricing.slots import NO_SLOTS, SlotSet

EXAMPLES: int = max(500, getattr(settings(), "max_examples", 0))
LAW = settings(max_examples=EXAMPLES)

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
OWNER = StreamId("order-1")
LOCATIONS = (LocationId("north"), LocationId("south"))

Command = cmd.FulfilmentRequest | cmd.FulfilmentReport
Decide = Callable[[FulfilmentState, Command, datetime, FulfilmentBasis], tuple[Event, ...]]
Evolve = Callable[[FulfilmentState, Event], FulfilmentState]
Merge = Callable[[Track, ParcelStatus, datetime], Track]
Step = tuple[int, int, int, int]
Story = tuple[tuple[int, ...], Sequence[Step]]
Said = tuple[ParcelStatus, int]

REPORTED = tuple(status for status in ParcelStatus if status is not ParcelStatus.PACKED)

steps = st.tuples(
    st.integers(0, 31), st.integers(0, 3), st.integers(0, 5), st.integers(0, len(REPORTED) - 1)
)
stories = st.tuples(
    st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    st.lists(steps, min_size=10, max_size=40),
)
reports = st.lists(st.tuples(st.sampled_from(REPORTED), st.integers(0, 6)), min_size=1, max_size=6)
tales = st.tuples(reports, st.integers(0, 2**32))


def decide(
    state: FulfilmentState, command: Command, now: datetime, basis: FulfilmentBasis
) -> tuple[Event, ...]:
    """The real decision, with its last argument in order."""
    return decide_fulfilment(state, command, now, basis=basis)


class Warehouse:
    """One order, two locations, and everybody who works on it."""

    def __init__(self, quantities: Sequence[int], decide: Decide, evolve: Evolve) -> None:
        self.decide, self.evolve = decide, evolve
        self.state = FulfilmentState()
        self.quantities = {LineId(str(n)): units for n, units in enumerate(quantities)}
        self.cancelled: dict[LineId, SlotSet] = {}
        self.shipped: dict[LineId, int] = {}
        self.now = START
        self.ids = 0
        self.at_once: dict[LineId, int] = {}

    def open_slots(self) -> Mapping[LineId, SlotSet]:
        """The slots that are neither cancelled nor dispatched, by line."""
        return {
            line: SlotSet.of(0, units)
            - self.cancelled.get(line, NO_SLOTS)
            - self.state.dispatched.get(line, NO_SLOTS)
            for line, units in self.quantities.items()
        }

    def new_id(self) -> str:
        self.ids += 1
        return f"id-{self.ids:03}"

    def run(self, command: Command) -> None:
        """Decide about one command; a request may be refused, a report may not."""
        self.now += timedelta(minutes=1)
        basis = FulfilmentBasis(owner=OWNER, open_slots=self.open_slots())
        try:
            events = self.decide(self.state, command, self.now, basis)
        except (RefusedError, NotFoundError, ValueError):
            assert not isinstance(command, Report)
            return
        self.add(events)

    def add(self, events: tuple[Event, ...]) -> None:
        """Fold facts, and check everything after each and after all of them."""
        for event in events:
            before, free = self.state, self.open_slots()
            self.state = self.evolve(self.state, event)
            self.check_fact(before, free, event)
            self.check_state()
            if isinstance(event, ev.PickShort) and event.policy is ShortPolicy.CLOSE:
                self.cancel({item.line: item.quantity for item in event.items})
            elif isinstance(event, ev.FulfilmentCancelAccepted):
                self.cancel({unit.line: unit.quantity for unit in event.lines})
        self.check_state()
        assert all(work.remaining > 0 for work in self.state.open_orders)
        assert all(work.remaining == 0 for work in self.state.orders.values() if not work.is_open)

    def cancel(self, units: Mapping[LineId, int]) -> None:
        """Cancel the highest open slots, as the order does."""
        free = self.open_slots()
        for line, quantity in units.items():
            gone = free[line].highest(quantity)
            assert len(gone) == quantity
            self.cancelled[line] = self.cancelled.get(line, NO_SLOTS) | gone

    def check_fact(
        self, before: FulfilmentState, free: Mapping[LineId, SlotSet], event: Event
    ) -> None:
        if isinstance(event, ev.ShipmentDispatched):
            for line in {item.line for item in event.items}:
                taken = [item for item in event.items if item.line == line]
                units = sum(item.quantity for item in taken)
                slots = NO_SLOTS
                for item in taken:
                    slots |= item.slots
                assert slots == free[line].lowest(units)
        elif isinstance(event, ev.ParcelMoved) and not event.corrected:
            was, now = before.parcels[event.parcel].status, self.state.parcels[event.parcel].status
            assert was is now or PARCEL.next(was, now.value.replace("_", " "), None) is now
        for move in moves_of(event):
            if move.kind is MoveKind.SHIP and move.line is not None:
                self.shipped[move.line] = self.shipped.get(move.line, 0) + move.quantity

    def check_state(self) -> None:
        state = self.state
        for work in state.orders.values():
            for known in work.lines:
                check_line(known)
        check_slots(state)
        planned = units_planned(state)
        for line, slots in self.open_slots().items():
            assert not self.cancelled.get(line, NO_SLOTS) & state.dispatched.get(line, NO_SLOTS)
            assert state.dispatched.get(line, NO_SLOTS) <= SlotSet.of(0, self.quantities[line])
            assert len(state.dispatched.get(line, NO_SLOTS)) == self.shipped.get(line, 0)
            pending = self.to_be_cancelled(line)
            assert planned.get(line, 0) + pending <= len(slots)
        packed: dict[tuple[FulfilmentId, LineId], int] = {}
        for parcel in state.parcels.values():
            check_parcel(parcel)
            for item in parcel.items:
                key = parcel.fulfilment, item.line
                packed[key] = packed.get(key, 0) + item.quantity
        for work in state.orders.values():
            for known in work.lines:
                assert known.packed == packed.get((work.id, known.line), 0)

    def to_be_cancelled(self, line: LineId) -> int:
        """Units that a fact has given up and the order has not cancelled yet."""
        given_up = self.state.short_closed.get(line, 0) + self.state.cancel_accepted.get(line, 0)
        at_once = self.at_once.get(line, 0)
        return given_up + at_once - len(self.cancelled.get(line, NO_SLOTS))

    # --- what may happen ------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """Do one of the things that may happen."""
        kind, *numbers = step
        DEEDS[kind % len(DEEDS)](self, (numbers[0], numbers[1], numbers[2]))

    def plan(self, n: tuple[int, int, int]) -> None:
        location = LOCATIONS[n[0] % 2]
        planned = units_planned(self.state)
        here = [work for work in self.state.open_orders if work.location == location]
        allocations = [
            Allocation(line=line, item=ItemId(f"item-{line}"), location=location, reserved=units)
            for line, slots in self.open_slots().items()
            for units in (
                len(slots)
                - planned.get(line, 0)
                + sum(one.remaining for work in here for one in work.lines if one.line == line),
            )
        ]
        ids = [FulfilmentId(self.new_id())]
        planned_now = plan_fulfilment(self.state, allocations, ids=ids, now=self.now)
        if planned_now is not None:
            self.add((planned_now,))

    def fulfilment(self, n: int) -> FulfilmentId:
        known = list(self.state.orders)
        return known[n % len(known)] if known else FulfilmentId("none")

    def parcel(self, n: int) -> ParcelId:
        known = list(self.state.parcels)
        return known[n % len(known)] if known else ParcelId("none")

    def units(self, line: int, count: int) -> tuple[LineUnits, ...]:
        lines = list(self.quantities)
        return (LineUnits(line=lines[line % len(lines)], quantity=1 + (count % 6) // 3),)

    def cancel_some(self, n: tuple[int, int, int]) -> None:
        (unit,) = self.units(n[1], n[2])
        free = {line: len(slots) for line, slots in self.open_slots().items()}
        wanted = {unit.line: min(unit.quantity, free[unit.line])}
        plan = plan_cancel(self.state, wanted, open_units=free, now=self.now)
        for known, quantity in plan.at_once.items():
            self.at_once[known] = self.at_once.get(known, 0) + quantity
        for event in plan.events:
            self.state = self.evolve(self.state, event)
        self.cancel(plan.at_once)
        self.add(())


def check_line(line: WorkLine) -> None:
    """The counts of one line are in their order."""
    assert 0 <= line.dispatched <= line.packed <= line.picked
    assert line.picked + line.short + line.cancelled <= line.quantity


def check_slots(state: FulfilmentState) -> None:
    """The sets of slots are apart, and the totals are their sizes."""
    for line in {*state.delivered, *state.lost, *state.sent_back, *state.dispatched}:
        parts = [by.get(line, NO_SLOTS) for by in (state.delivered, state.lost, state.sent_back)]
        together = parts[0] | parts[1] | parts[2]
        assert len(together) == sum(map(len, parts))
        assert together <= state.dispatched.get(line, NO_SLOTS)
    assert state.totals == Totals(
        picked=sum(line.picked for work in state.orders.values() for line in work.lines),
        dispatched=sum(map(len, state.dispatched.values())),
        delivered=sum(map(len, state.delivered.values())),
        lost=sum(map(len, state.lost.values())),
        sent_back=sum(map(len, state.sent_back.values())),
    )


def check_parcel(parcel: Parcel) -> None:
    """A parcel has slots exactly when it has left."""
    has_left = parcel.status is not ParcelStatus.PACKED
    assert has_left == (parcel.dispatched_at is not None)
    assert all(bool(item.slots) == has_left for item in parcel.items)


Numbers = tuple[int, int, int]
Deed = Callable[[Warehouse, Numbers], None]


def _request(make: Callable[[Warehouse, Numbers], Command]) -> Deed:
    return lambda house, n: house.run(make(house, n))


def _pack(house: Warehouse, n: Numbers) -> Command:
    lines = list(house.quantities)
    items = [cmd.PackItem(line=lines[n[1] % len(lines)], quantity=1 + n[2] % 2)]
    if n[2] > 6 and len(lines) > 1:
        items.append(cmd.PackItem(line=lines[(n[1] + 1) % len(lines)], quantity=1))
    return cmd.PackParcel(
        parcel=ParcelId(house.new_id()), fulfilment=house.fulfilment(n[0]), items=tuple(items)
    )


def _report(house: Warehouse, n: Numbers) -> Command:
    return cmd.ReportTracking(
        parcel=house.parcel(n[0]), status=REPORTED[n[2]], at=START + timedelta(hours=n[1])
    )


def _short(house: Warehouse, n: Numbers) -> Command:
    return cmd.RecordShortPick(
        fulfilment=house.fulfilment(n[0]),
        lines=house.units(n[1], n[2]),
        policy=list(ShortPolicy)[n[2] % 3],
    )


def _split(house: Warehouse, n: Numbers) -> Command:
    return cmd.SplitFulfilment(
        fulfilment=house.fulfilment(n[0]),
        into=FulfilmentId(house.new_id()),
        lines=house.units(n[1], n[2]),
    )


def _merge(house: Warehouse, n: Numbers) -> Command:
    return cmd.MergeFulfilments(fulfilment=house.fulfilment(n[0]), merged=house.fulfilment(n[1]))


def _correct(house: Warehouse, n: Numbers) -> Command:
    status = REPORTED[n[2]]
    return cmd.CorrectParcel(parcel=house.parcel(n[0]), status=status, reason="the customer called")


DEEDS: Sequence[Deed] = (
    Warehouse.plan,
    Warehouse.plan,
    Warehouse.cancel_some,
    Warehouse.cancel_some,
    *[_request(lambda w, n: cmd.ReleaseFulfilment(fulfilment=w.fulfilment(n[0])))] * 3,
    *[
        _request(
            lambda w, n: cmd.PickUnits(fulfilment=w.fulfilment(n[0]), lines=w.units(n[1], n[2]))
        )
    ]
    * 2,
    _request(
        lambda w, n: cmd.PutBackUnits(fulfilment=w.fulfilment(n[0]), lines=w.units(n[1], n[2]))
    ),
    *[_request(_pack)] * 3,
    _request(lambda w, n: cmd.UnpackParcel(parcel=w.parcel(n[0]))),
    *[_request(lambda w, n: cmd.Dispatch(parcel=w.parcel(n[0])))] * 3,
    *[_request(_report)] * 3,
    _request(_short),
    _request(lambda w, n: cmd.HoldFulfilment(fulfilment=w.fulfilment(n[0]), reason="x")),
    *[_request(lambda w, n: cmd.ResumeFulfilment(fulfilment=w.fulfilment(n[0])))] * 2,
    *[_request(lambda w, n: cmd.AcceptCancel(fulfilment=w.fulfilment(n[0])))] * 2,
    _request(lambda w, n: cmd.RefuseCancel(fulfilment=w.fulfilment(n[0]))),
    _request(_split),
    _request(_merge),
    _request(_correct),
)
"""What may happen; the likelier deeds stand there several times."""


def law_of_fulfilment(
    story: Story, decide: Decide = decide, evolve: Evolve = evolve_fulfilment
) -> None:
    """Whatever happens, in whatever order: no unit is made up, lost, or sent twice."""
    quantities, happenings = story
    house = Warehouse(quantities, decide, evolve)
    house.plan((0, 0, 0))
    if happenings[0][0] % 4:
        house.run(cmd.ReleaseFulfilment(fulfilment=house.fulfilment(0)))
    for happening in happenings:
        house.step(happening)


def law_of_tracking(tale: tuple[Sequence[Said], int], merge: Merge = merge) -> None:
    """Any permutation and repetition of the same reports ends in the same status."""
    said, seed = tale
    random = Random(seed)
    again = [*said, *random.choices(said, k=2)]
    random.shuffle(again)
    assert _end(said, merge) == _end(again, merge)
    statuses = [status for status, _ in said]
    if ParcelStatus.RETURNED in statuses:
        assert _end(said, merge)[0] is ParcelStatus.RETURNED
    elif ParcelStatus.RETURNING not in statuses and ParcelStatus.DELIVERED in statuses:
        assert _end(said, merge)[0] in {ParcelStatus.DELIVERED, ParcelStatus.COLLECTED}


def _end(said: Sequence[Said], merge: Merge) -> tuple[ParcelStatus, Track]:
    track = Track()
    for status, hour in said:
        track = merge(track, status, START + timedelta(hours=hour))
    return status_of(track), track


def law_of_order(tale: tuple[Sequence[Said], int], evolve: Evolve = evolve_fulfilment) -> None:
    """The slots that are delivered, lost and sent back do not depend on the order of reports."""
    said, seed = tale
    again = list(said)
    Random(seed).shuffle(again)
    assert _slots_after(said, evolve) == _slots_after(again, evolve)


def _slots_after(said: Sequence[Said], evolve: Evolve) -> tuple[object, ...]:
    state = _two_parcels(evolve)
    for status, hour in said:
        event = ev.ParcelMoved(
            at=START + timedelta(hours=hour),
            owner=OWNER,
            parcel=ParcelId("AB"[hour % 2]),
            location=LOCATIONS[0],
            status=status,
        )
        state = evolve(state, event)
        check_slots(state)
    return (
        state.delivered,
        state.lost,
        state.sent_back,
        state.delivered_at,
        state.totals,
        [parcel.status for parcel in state.parcels.values()],
    )


def _two_parcels(evolve: Evolve) -> FulfilmentState:
    """Two parcels with units of one line, on their way."""
    state = FulfilmentState()
    for place, name in enumerate("AB"):
        item = ParcelItem(line=LineId("0"), item=ItemId("item-0"), quantity=2)
        parcel = Parcel(
            id=ParcelId(name),
            fulfilment=FulfilmentId("f"),
            location=LOCATIONS[0],
            items=(item,),
        )
        state = evolve(state, ev.ParcelPacked(at=START, parcel=parcel))
        slots = SlotSet.of(2 * place, 2 * place + 2)
        sent = ev.ShipmentDispatched(
            at=START,
            owner=OWNER,
            parcel=parcel.id,
            fulfilment=parcel.fulfilment,
            location=parcel.location,
            items=(ParcelItem(line=item.line, item=item.item, quantity=2, slots=slots),),
        )
        state = evolve(state, sent)
    return state


@LAW
@given(stories)
def test_no_unit_is_made_up_lost_or_sent_twice(story: Story) -> None:
    """Any sequence of requests and reports keeps every count and every slot in its place."""
    law_of_fulfilment(story)


@LAW
@given(tales)
def test_carriers_may_speak_in_any_order(tale: tuple[Sequence[Said], int]) -> None:
    """Late, double and out-of-order reports end in the same status (RULES F-5)."""
    law_of_tracking(tale)


@LAW
@given(tales)
def test_slots_do_not_depend_on_the_order_of_reports(tale: tuple[Sequence[Said], int]) -> None:
    """What is delivered, lost and sent back is a function of the set of reports."""
    law_of_order(tale)


def test_a_step_that_no_table_has_is_refused() -> None:
    """The table of parcels has no way out of returned."""
    with pytest.raises(NotAllowedError):
        PARCEL.next(ParcelStatus.RETURNED, "delivered", None)
