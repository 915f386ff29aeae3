"""
Bugs at clocks, leases, stock, carriers and linked orders, each found by one fault at most.

As in the other page of planted bugs no reconciliation helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve, frozen

from ordercore.adapters._memory_rows import MemoryRows
from ordercore.adapters._write import StreamWrite
from ordercore.adapters.memory import MemoryStore
from ordercore.facts import Event
from ordercore.ids import Key, ParcelId, StreamId, TenderId
from ordercore.money import Money
from ordercore.order import balance as balancing
from ordercore.order import linked as linking
from ordercore.order.model import Order
from ordercore.payment import intents as intending
from ordercore.payment import reports as reporting
from ordercore.payment._book import Book, Sums
from ordercore.payment.model import Intent, OperationState
from ordercore.ports.gateways import BookingRequest
from ordercore.process.tasks import SendPayment
from ordercore.service import answers
from ordercore.service.effects import Now, Ports
from ordercore.service.engine import Engine
from ordercore.service.requests import booking_request
from ordercore.service.settings import Settings
from ordercore.service.turn import Turn
from ordercore.testing._simulation_shop import Machine
from ordercore.testing.simulation import NAMED, Fault, Schedule, Setting, effects, relive
from tests.planted.simulated import Bug, law_of_planting
from tests.planted.test_simulation import BUGS as OTHERS

MUCH: Final = 1_000_000
INTENT_OF: Final = intending.intent_of
REFUND_PLAN: Final = balancing.refund_plan
BOOKING: Final = booking_request
SLEEP: Final = MemoryStore.sleep
WRITE: Final = MemoryRows.write_stream


class TrustsOldLeases(Engine):
    """Makes a call under the lease of who died, however little of it is left."""

    def _outlasts(self, turn: Turn, now: datetime) -> bool:
        del turn, now
        return True


class SendsAfterRenewal(Engine):
    """Renews its lease, and makes the call that was due before."""

    async def _renewed(self, turn: Turn, now: datetime) -> Turn:
        due = [task for task in turn.due(now) if isinstance(task, SendPayment)]
        turn = await super()._renewed(turn, now)
        for task in due:
            await self._perform(task, turn.current)
        return turn


@frozen(kw_only=True)
class Impatient(TrustsOldLeases):
    """Lets others take over while a call may still be answered."""

    settings: Settings = Settings(lease=timedelta(seconds=5))


def without_deadline(*args: object, **named: object) -> Intent:
    """An operation may be sent for ever."""
    intent = INTENT_OF(*args, **named)  # type: ignore[arg-type]  # passed on as they came
    return evolve(intent, not_after=intent.at + timedelta(days=365))


def own_clock(_self: Now, ports: Ports) -> datetime:
    """The worker looks at its own watch."""
    return ports.clock() if isinstance(ports, Machine) else ports.store.now()


def deaf_sleep(
    self: MemoryStore, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None
) -> bool:
    """Who goes to sleep does not look whether it was woken meanwhile."""
    del wakes
    return SLEEP(self, stream, version=version, wakes=self.load(stream).wakes, due_at=due_at)


def deaf_commit(self: MemoryRows, write: StreamWrite, now: datetime) -> None:
    """Who commits does not look whether it was woken meanwhile."""
    row = self.tables.streams.get(write.change.stream)
    wakes = write.change.seen_wakes if row is None else row.wakes
    WRITE(self, evolve(write, change=evolve(write.change, seen_wakes=wakes)), now)


def twice_the_plan(
    order: Order, amount: Money, *, by: object = None
) -> tuple[tuple[TenderId, Money], ...]:
    """Twice is given back what should be."""
    del by
    return tuple((tender, part + part) for tender, part in REFUND_PLAN(order, amount))


def all_of_it(_self: Book, _capture: OperationState) -> int:
    """Nobody looks what a capture still holds."""
    return MUCH


def fresh_booking(order: Order, parcel: ParcelId) -> BookingRequest:
    """Each time a carrier is asked it is another key."""
    found = order.fulfilment.parcels[parcel].booking
    return evolve(BOOKING(order, parcel), key=Key(f"{order.id}:{parcel}:{found.attempts}"))


def nothing_brought(*_about: object) -> Iterator[Event]:
    """What is told, or was paid out elsewhere, does not arrive."""
    yield from ()


BUGS: Final = (
    Bug(
        name="no deadline",
        patches=((intending, "intent_of", without_deadline),),
        flow="in doubt",
    ),
    Bug(
        name="horizon on the worker's clock",
        patches=((Now, "call", own_clock),),
        flow="late",
    ),
    Bug(name="lease shorter than a call", engine=Impatient),
    Bug(
        name="sleep that ignores wakes",
        patches=((MemoryStore, "sleep", deaf_sleep),),
        flow="backorder, looked at before",
    ),
    Bug(
        name="commit that ignores wakes",
        patches=((MemoryRows, "write_stream", deaf_commit),),
        flow="backorder",
    ),
    Bug(
        name="refund above held",
        patches=(
            (balancing, "refund_plan", twice_the_plan),
            (Sums, "refundable", property(lambda _self: MUCH)),
            (Book, "refundable", all_of_it),
        ),
        flow="goodwill",
    ),
    Bug(
        name="fresh key for a booking",
        patches=((answers, "booking_request", fresh_booking),),
        flow="book a carrier",
    ),
    Bug(
        name="a capture that fails later is not heard of",
        patches=((reporting, "_failure", nothing_brought),),
        flow="capture taken back",
        hears=True,
    ),
    Bug(
        name="credit that does not reach the linked order",
        patches=((linking, "_brought", nothing_brought),),
        flow="exchange",
    ),
)

ISSUE: Final = frozenset(
    {
        "charge before the saved intent",
        "fresh key on retry",
        "timeout taken as decline",
        "resend after the window",
        "not found taken as never",
        "no deadline",
        "horizon on the worker's clock",
        "double capture through webhook and worker",
        "already captured treated as failure then refunded",
        "release of stock twice",
        "refund counted before it succeeded",
        "lost wake-up",
        "report refused by a status table",
        "key checked after decide",
    }
)
"""Those that must be among them by name."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault is enough; the printed schedule finds it again, and only while it is there."""
    law_of_planting(bug, monkeypatch)


@pytest.mark.parametrize(
    ("name", "died", "renewal"),
    [
        ("authorise anew", 34, 39),
        ("authorise anew", 37, 42),
        ("fading, extended", 49, 54),
        ("fading, extended", 52, 57),
    ],
)
def test_the_lease_of_a_dead_process_is_no_cover(name: str, died: int, renewal: int) -> None:
    """
    The second try renews it first: else a worker makes the same call while it runs.

    The renewal takes time too: what is due is looked at once more after it.
    """
    flow, called = NAMED[name], renewal + 3
    schedule = Schedule(((died, Fault.CRASH_AFTER), (called, Fault.SLOW_CALL)))
    lived = effects(flow, schedule)
    assert lived[renewal] == "Sleep"
    assert lived[called].startswith("SendToGateway")
    assert relive(flow, schedule) is None
    late = Schedule(((died, Fault.CRASH_AFTER), (renewal, Fault.PAST_WINDOW)))
    assert relive(flow, late) is None
    hasty = Setting(engine=SendsAfterRenewal(), reconciles=False)
    assert "sent_too_late" in str(relive(flow, late, setting=hasty))
    trusting = Setting(engine=TrustsOldLeases(), reconciles=False)
    earlier = Schedule(((died, Fault.CRASH_AFTER), (renewal, Fault.SLOW_CALL)))
    harm = relive(flow, earlier, setting=trusting)
    assert harm is not None
    assert "was sent again while it was under way" in str(harm)


def test_the_worst_are_among_them() -> None:
    """Every bug that the project has sworn to find is planted under its name."""
    names = [bug.name for bug in (*OTHERS, *BUGS)]
    assert set() == ISSUE - set(names)
    assert len(names) == len(set(names))
