"""
The laws of returns (RULES R-2 to R-4), as functions that also judge a wrong implementation.

A `Counter` (the one where parcels come back) plays random requests against one order and checks
slots and stock after each fact; `law_of_windows` looks at calendars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Event, Report
from ordercore.ids import ItemId, LineId, LocationId, ReturnId, StreamId
from ordercore.inventory.model import MoveKind
from ordercore.inventory.moves import moves_of
from ordercore.moment import Period
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns import commands as cmd
from ordercore.returns.decide import ReturnsBasis, decide_returns, evolve_returns
from ordercore.returns.model import (
    Disposition,
    Grade,
    ReturnReason,
    ReturnsState,
    ReturnTotals,
    ReturnUnits,
)
from ordercore.returns.policy import Eligibility, ReturnFacts, ReturnPolicy, eligibility

EXAMPLES: int = max(500, getattr(settings(), "max_examples", 0))
LAW = settings(max_examples=EXAMPLES)

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
PLACES = (LocationId("dock"), LocationId("shop"))
IDS = tuple(ReturnId(f"r-{n}") for n in range(3))

Command = cmd.ReturnsRequest | cmd.ReturnsReport
Decide = Callable[[ReturnsState, Command, datetime, ReturnsBasis], tuple[Event, ...]]
Evolve = Callable[[ReturnsState, Event], ReturnsState]
Slots = Mapping[LineId, SlotSet]
Numbers = tuple[int, int, int, int]
Step = tuple[int, Numbers]
Story = tuple[Sequence[tuple[int, int, int]], Sequence[Step]]

small = st.integers(0, 5)
steps = st.tuples(st.integers(0, 15), st.tuples(small, small, small, st.integers(0, 29)))
stories = st.tuples(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, 31), st.integers(0, 31)),
        min_size=1,
        max_size=2,
    ),
    st.lists(steps, min_size=8, max_size=30),
)


def decide(
    state: ReturnsState, command: Command, now: datetime, basis: ReturnsBasis
) -> tuple[Event, ...]:
    """The real decision, with its last argument in order."""
    return decide_returns(state, command, now, basis=basis)


class Counter:
    """One order, some of it lost or refused on the way, and all that comes back of it."""

    def __init__(
        self, lines: Sequence[tuple[int, int, int]], decide: Decide, evolve: Evolve
    ) -> None:
        self.decide, self.evolve = decide, evolve
        self.state = ReturnsState()
        self.on_hand: dict[LocationId, int] = {}
        self.unavailable: dict[LocationId, int] = {}
        self.events: list[Event] = []
        names = [LineId(str(n)) for n in range(len(lines))]
        dispatched = {
            name: SlotSet.of(0, units) for name, (units, _, _) in zip(names, lines, strict=True)
        }
        lost = {
            name: SlotSet.from_slots(n for n in range(units) if bits >> n & 1 and n % 2)
            for name, (units, bits, _) in zip(names, lines, strict=True)
        }
        refused = {
            name: SlotSet.from_slots(n for n in range(units) if bits >> n & 1) - lost[name]
            for name, (units, _, bits) in zip(names, lines, strict=True)
        }
        self.basis = ReturnsBasis(
            owner=StreamId("order-1"),
            policy=ReturnPolicy(),
            lines={
                name: ReturnFacts(item=ItemId(f"item-{name}"), last_delivered_at=START)
                for name in names
            },
            dispatched=dispatched,
            delivered={name: dispatched[name] - lost[name] - refused[name] for name in names},
            lost=lost,
            sent_back=refused,
        )

    def run(self, command: Command) -> None:
        """Decide about one command; a request may be refused, a report may not."""
        try:
            events = self.decide(self.state, command, START, self.basis)
        except (RefusedError, NotFoundError, ValueError):
            assert not isinstance(command, Report)
            return
        self.add(events)
        if isinstance(command, cmd.InspectReturn) and all(
            one.units.slots for one in command.results
        ):
            again = self.decide(self.state, command, START, self.basis)
            assert again == ()

    def add(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self.events.append(event)
            self.state = self.evolve(self.state, event)
            for move in moves_of(event):
                self.move(move.kind, move.location, move.quantity)
            self.check_slots()
            self.check_stock()

    def move(self, kind: MoveKind, place: LocationId, units: int) -> None:
        hand, blocked = {
            MoveKind.RETURN_IN: (units, units),
            MoveKind.RESTOCK: (0, -units),
            MoveKind.DAMAGE: (0, units),
            MoveKind.WRITE_OFF: (-units, -units),
        }[kind]
        self.on_hand[place] = self.on_hand.get(place, 0) + hand
        self.unavailable[place] = self.unavailable.get(place, 0) + blocked
        assert 0 <= self.unavailable[place] <= self.on_hand[place]

    def check_slots(self) -> None:
        """Returned + open requests ≤ dispatched − lost, per slot (RULES R-2)."""
        state = self.state
        for line, sent in self.basis.dispatched.items():
            sets = [by.get(line, NO_SLOTS) for by in (state.requested, state.received, state.kept)]
            together = sets[0] | sets[1] | sets[2]
            assert sum(map(len, sets)) == len(together)
            assert together <= sent - self.basis.lost.get(line, NO_SLOTS)
            awaited = [rma.awaited.get(line, NO_SLOTS) for rma in state.rmas.values()]
            assert sum(map(len, awaited)) == len(sets[0])
            assert state.accepted.get(line, NO_SLOTS) <= sets[1] | sets[2]
            came = [rma.received(line) for rma in state.rmas.values()]
            assert sum(map(len, came)) == len(sets[1])
        assert state.totals == ReturnTotals(
            requested=sum(map(len, state.requested.values())),
            received=sum(map(len, state.received.values())),
            accepted=sum(map(len, state.accepted.values())),
        )

    def check_stock(self) -> None:
        """Stock follows what became of each unit, once, however often it was told (RULES R-4)."""
        on_hand: dict[LocationId, int] = {}
        unavailable: dict[LocationId, int] = {}
        for rma in self.state.rmas.values():
            for line, stored in rma.stored.items():
                fates = {
                    slot: found.disposition
                    for found in self.state.findings.get(line, ())
                    for slot in found.slots
                }
                for units in stored:
                    left = [fates.get(slot) for slot in units.slots]
                    there = len(left) - left.count(Disposition.SCRAP)
                    on_hand[units.location] = on_hand.get(units.location, 0) + there
                    blocked = there - left.count(Disposition.RESTOCK)
                    unavailable[units.location] = unavailable.get(units.location, 0) + blocked
        assert _without_zeros(on_hand) == _without_zeros(self.on_hand)
        assert _without_zeros(unavailable) == _without_zeros(self.unavailable)

    # --- what may happen ------------------------------------------------------------------------

    def units(self, n: Numbers) -> ReturnUnits:
        lines = list(self.basis.lines)
        line = lines[n[1] % len(lines)]
        if n[3] % 3 == 0:
            return ReturnUnits(line=line, slots=SlotSet.of(n[2] % 4, n[2] % 4 + 1 + n[3] % 2))
        return ReturnUnits(line=line, quantity=1 + n[2] % 3)


def _without_zeros(counts: Mapping[LocationId, int]) -> dict[LocationId, int]:
    return {place: count for place, count in counts.items() if count}


def _id(n: Numbers) -> ReturnId:
    return IDS[n[0] % len(IDS)]


def _request(house: Counter, n: Numbers) -> Command:
    return cmd.RequestReturn(
        return_id=_id(n),
        items=(cmd.ReturnWish(units=house.units(n)),),
        expects_goods=n[3] % 5 != 0,
    )


def _receive(house: Counter, n: Numbers) -> Command:
    return cmd.ReceiveReturn(return_id=_id(n), items=(house.units(n),), location=PLACES[n[3] % 2])


def _inspect(house: Counter, n: Numbers) -> Command:
    fates = [None, *Disposition]
    rma = house.state.rmas.get(_id(n))
    has_come = rma is not None and bool(rma.stored)
    finding = cmd.Finding(
        units=house.units(n),
        grade=list(Grade)[n[3] % 6],
        disposition=fates[n[2] % 6] if has_come else Disposition.KEEP,
        accepted=[None, True, False][n[3] % 3],
    )
    return cmd.InspectReturn(return_id=_id(n), results=(finding,))


Make = Callable[[Counter, Numbers], Command]
DEEDS: Sequence[Make] = (
    *[_request] * 4,
    lambda _, n: cmd.ApproveReturn(return_id=_id(n)),
    lambda _, n: cmd.ApproveReturn(return_id=_id(n)),
    lambda _, n: cmd.RejectReturn(return_id=_id(n), reason="no"),
    lambda _, n: cmd.LabelReturn(return_id=_id(n), label="l"),
    lambda _, n: cmd.ReportReturnMoved(return_id=_id(n), at=START),
    *[_receive] * 3,
    *[_inspect] * 4,
    lambda _, n: cmd.CloseReturn(return_id=_id(n)),
)
"""What may happen; the likelier deeds stand there several times."""


def law_of_returns(story: Story, decide: Decide = decide, evolve: Evolve = evolve_returns) -> None:
    """Whatever is announced, received and found: each unit comes back once and is stocked once."""
    lines, happenings = story
    house = Counter(lines, decide, evolve)
    for kind, numbers in happenings:
        house.run(DEEDS[kind % len(DEEDS)](house, numbers))


# --- windows ------------------------------------------------------------------------------------

Judge = Callable[[ReturnPolicy, ReturnFacts, datetime], Eligibility]
Case = tuple[datetime, int, int, str]

ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
cases = st.tuples(
    st.datetimes(
        min_value=datetime(2024, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
        max_value=datetime(2030, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    st.integers(0, 3),
    st.integers(0, 40),
    st.sampled_from(ZONES),
)


def judge(policy: ReturnPolicy, facts: ReturnFacts, now: datetime) -> Eligibility:
    """The real answer for a change of mind."""
    return eligibility(policy, facts, ReturnReason.CHANGED_MIND, now=now)


def law_of_windows(case: Case, judge: Judge = judge) -> None:
    """A window opens with the delivery, closes with a local midnight, and never opens again."""
    delivered_at, months, days, tz = case
    policy = ReturnPolicy(window=Period(months=months, days=days + 1), tz=tz)
    facts = ReturnFacts(item=ItemId("x"), last_delivered_at=delivered_at)
    until = judge(policy, facts, delivered_at).until
    assert until is not None
    assert judge(policy, facts, delivered_at).allowed
    assert judge(policy, facts, until - timedelta(microseconds=1)).allowed
    assert not judge(policy, facts, until).allowed
    assert not judge(policy, facts, until + timedelta(days=400)).allowed
    assert judge(policy, facts, delivered_at - timedelta(days=3)).allowed
    assert until - delivered_at >= timedelta(days=days + 1) - timedelta(hours=1)
    longer = ReturnPolicy(window=Period(months=months, days=days + 2), tz=tz)
    later = judge(longer, facts, delivered_at).until
    assert later is not None
    assert later > until


@LAW
@given(stories)
def test_each_unit_comes_back_once(story: Story) -> None:
    """Over any number of requests, receipts and findings (RULES R-2, R-4)."""
    law_of_returns(story)


@LAW
@given(cases)
def test_a_window_closes_once(case: Case) -> None:
    """In any time zone, over leap days and clock changes (RULES R-3)."""
    law_of_windows(case)
