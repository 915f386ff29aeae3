"""
One life in the simulation: a shop, its clock, the faults that strike, and what must hold at rest.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from itertools import count
from typing import Final, TypeVar, cast

from attrs import define, field, frozen

from ordercore.adapters.memory import MemoryStore
from ordercore.errors import OrderCoreError, UnavailableError
from ordercore.facts import Report, Request
from ordercore.ids import Actor, ItemId, LineId, LocationId, OrderId, StreamId
from ordercore.inventory.audit import audit
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.inventory.sourcing import InOrder
from ordercore.money import EUR
from ordercore.order.balance import balance
from ordercore.order.commands import Place
from ordercore.order.completion import has_open_operations
from ordercore.order.decide import replay as fold
from ordercore.order.model import Order
from ordercore.ports.gateways import IdSource
from ordercore.ports.unit_of_work import Committed
from ordercore.process.due import due
from ordercore.process.tasks import CheckQueue
from ordercore.service.effects import (
    Effect,
    Ports,
)
from ordercore.service.engine import Engine
from ordercore.service.intentions import intention_of
from ordercore.service.stock import StockEngine
from ordercore.service.sync import NoCarrier, run
from ordercore.service.worker import Worker
from ordercore.testing.sandbox import Faults, SandboxDownError, SandboxGateway

__all__ = [
    "LINE",
    "ORDER",
    "PUNCTUAL",
    "SHOP",
    "SLOW",
    "CrashedError",
    "Fault",
    "Finding",
    "Flow",
    "Schedule",
    "Setting",
    "World",
]

_T = TypeVar("_T")

ORDER: Final = OrderId("order-1")
STREAM: Final = StreamId(ORDER)
LINE: Final = LineId("1")
SHOP: Final = LocationId("shop")
CLIENT: Final = Actor("customer:1")
STOCKED: Final = 5
MOST_ROUNDS: Final = 50

PUNCTUAL: Final = (timedelta(minutes=2), timedelta(minutes=6), timedelta(hours=1))
"""A worker that comes while a payment may still be sent again."""
SLOW: Final = (timedelta(minutes=20), timedelta(minutes=30), timedelta(hours=1))
"""A worker that comes when nothing may be sent any more, and the gateway must be asked."""


@unique
class Fault(StrEnum):
    """What goes wrong at one effect."""

    CRASH_BEFORE = "crash_before"
    """The process dies, and the effect does not happen."""
    CRASH_AFTER = "crash_after"
    """The process dies after the effect has happened."""
    ANSWER_LOST = "answer_lost"
    """The gateway does it, and its answer never comes."""
    COMMIT_RAISED_BUT_SUCCEEDED = "commit_raised_but_succeeded"
    """The store writes it, and the connection breaks before it says so."""
    GATEWAY_ERROR = "gateway_error"
    """The gateway fails (5xx) and does nothing."""


@define
class CrashedError(UnavailableError):
    """The simulated process died; what it had not written is gone."""

    sentence = "The process died at effect {index}."
    index: int


@frozen
class Schedule:
    """
    Which fault strikes at the effect with which number, counted from 0 over a whole life.

    >>> print(Schedule(((3, Fault.CRASH_AFTER), (9, Fault.ANSWER_LOST))))
    effect 3: crash_after
    effect 9: answer_lost
    """

    strikes: tuple[tuple[int, Fault], ...] = ()

    @property
    def last(self) -> int:
        """The number of the last effect that is struck; -1 where none is."""
        return max((index for index, _ in self.strikes), default=-1)

    def fault_at(self, index: int) -> Fault | None:
        """The fault at this effect, if any."""
        return dict(self.strikes).get(index)

    def then(self, index: int, fault: Fault) -> Schedule:
        """The same with one fault more."""
        return Schedule((*self.strikes, (index, fault)))

    def __str__(self) -> str:
        return "\n".join(f"effect {index}: {fault}" for index, fault in self.strikes) or "no fault"


@frozen(kw_only=True)
class Setting:
    """The engine to test, whether the gateway's webhooks arrive, and when the worker comes."""

    engine: Engine = field(factory=Engine)
    hears: bool = True
    pauses: tuple[timedelta, ...] = PUNCTUAL


@frozen(kw_only=True)
class Flow:
    """
    What a client wants, step by step, and what it comes to in cents at the gateway.

    A step is asked for once, and repeated with the same key until it is served.
    """

    name: str
    steps: tuple[Callable[[World], Request], ...]
    live: int = 0
    captured: int = 0
    refunded: int = 0


@frozen(kw_only=True)
class Finding:
    """A life that did not end as it must: printed with the effects that were struck."""

    flow: str
    schedule: Schedule
    effects: tuple[str, ...]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        struck = (
            f"  effect {index} {self.effects[index]}: {fault}"
            for index, fault in self.schedule.strikes
            if index < len(self.effects)
        )
        return "\n".join((self.flow, *struck, *(f"  -> {problem}" for problem in self.problems)))


class _Numbers(IdSource):
    """1, 2, 3 …: the same life gives the same ids."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new_id(self) -> str:
        return f"id-{next(self._numbers)}"


@define
class World:
    """
    One shop with one clock, in which one schedule is lived through.

    ``trace`` is every effect that was asked for; only those of `drive` count and can be struck.
    """

    schedule: Schedule = Schedule()
    setting: Setting = field(factory=Setting)
    now: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    trace: list[Effect[object]] = field(factory=list[Effect[object]])
    gateway: SandboxGateway = field(init=False)
    store: MemoryStore = field(init=False)
    ports: Ports = field(init=False)
    worker: Worker = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open the shop, and put some stock on its shelf."""
        self.gateway = SandboxGateway(
            ":memory:",
            clock=self.clock,
            decline=False,
            faults=Faults(lost=0 if self.setting.hears else 1000),
        )
        self.store = MemoryStore(clock=self.clock)
        self.ports = Ports(
            store=self.store, payments=self.gateway, carrier=NoCarrier(), ids=_Numbers()
        )
        stock = StockEngine(strategy=InOrder())
        self.worker = Worker(engine=self.setting.engine, stock=stock)
        line = ReceivedLine(item=ItemId("item-1"), location=SHOP, quantity=STOCKED)
        receive = ReceiveStock(lines=(line,))
        run(stock.execute(receive, by=CLIENT, key=None, stream=None, reason=""), self.ports)

    def clock(self) -> datetime:
        """The time of the store and of the gateway."""
        return self.now

    def order(self) -> Order:
        """
        The order as it stands; not counted.

        Raises:
            UnknownOrderError: It was not placed yet.
        """
        return run(self.setting.engine.load(STREAM), self.ports)

    # --- driving --------------------------------------------------------------------------------

    def drive(self, work: Coroutine[Effect[object], object, _T]) -> _T:
        """
        Drive a coroutine to its end; faults strike where the schedule says so.

        Raises:
            CrashedError: The process died on the way; the coroutine was dropped.
        """
        answer: object = None
        error: Exception | None = None
        while True:
            try:
                effect = work.send(answer) if error is None else work.throw(error)
            except StopIteration as stop:
                return cast("_T", stop.value)
            try:
                answer, error = self._strike(effect), None
            except CrashedError:
                work.close()
                raise
            except Exception as raised:  # noqa: BLE001  # the coroutine decides what it means
                error = raised

    def _strike(self, effect: Effect[object]) -> object:
        index = len(self.trace)
        self.trace.append(effect)
        fault = self.schedule.fault_at(index)
        if fault is Fault.CRASH_BEFORE:
            raise CrashedError(index)
        if fault is Fault.GATEWAY_ERROR:
            raise SandboxDownError
        answer = effect.call(self.ports)
        match fault:
            case Fault.CRASH_AFTER:
                raise CrashedError(index)
            case Fault.ANSWER_LOST:
                raise TimeoutError
            case Fault.COMMIT_RAISED_BUT_SUCCEEDED:
                raise UnavailableError
            case _:
                return answer

    # --- a life ---------------------------------------------------------------------------------

    def live(self, flow: Flow) -> tuple[str, ...]:
        """Live through a flow; what is wrong after the first step after which something is."""
        try:
            for number, step in enumerate(flow.steps):
                problems = self._serve(step(self), key=f"step-{number}")
                if problems:
                    return problems
            return tuple(_amounts(self, flow))
        except OrderCoreError as error:
            return (f"{error.code}: {error}",)

    def _serve(self, command: Request, *, key: str) -> tuple[str, ...]:
        """Ask until served, the worker between; then let all come to rest."""
        for _ in range(len(self.schedule.strikes) + 1):
            is_served = self._ask(command, key)
            self._recover()
            problems = tuple(_problems(self))
            if problems or is_served:
                return problems
        return (f"{type(command).__name__} was never served",)

    def _ask(self, command: Request | Report, key: str | None) -> bool:
        about = None if isinstance(command, Place) else ORDER
        intention = intention_of(command, key=key, by=CLIENT, order=about)
        try:
            self.drive(self.setting.engine.execute(STREAM, command, intention))
        except UnavailableError:
            return False
        return True

    def _recover(self) -> None:
        """Time passes in small steps; each time webhooks arrive and the worker does its rounds."""
        for pause in self.setting.pauses:
            self.now += pause
            for _ in range(len(self.schedule.strikes) + 1):
                if self._hear() and self._work():
                    break
                self.now += self.setting.engine.settings.lease

    def _hear(self) -> bool:
        """A webhook whose receiver dies comes again."""
        return all(self._ask(delivery.report, None) for delivery in self.gateway.webhooks())

    def _work(self) -> bool:
        try:
            for _ in range(MOST_ROUNDS):
                if self.drive(self.worker.run_due(10)).is_idle:
                    return True
        except UnavailableError:
            pass
        return False


# --- what must hold at rest ---------------------------------------------------------------------


def _problems(world: World) -> Iterator[str]:
    """What is wrong now that all has come to rest."""
    yield from (f"gateway: {found.kind} {found.detail}" for found in world.gateway.violations())
    for entry in audit(world.store.ledger(), world.store.all_counters()):
        yield f"stock audit: {entry.figure} is {entry.recorded}, not {entry.derived}"
    history: list[Committed] = list(world.store.history(STREAM))
    if not history:
        yield from (f"{entry.key} was sent for no order" for entry in world.gateway.ledger())
        return
    order = world.order()
    if fold([event for commit in history for event in commit.events[STREAM]]) != order:
        yield "the replayed history is another order"
    yield from _different_books(world, order)
    yield from _unrest(world, order)


def _different_books(world: World, order: Order) -> Iterator[str]:
    for entry in world.gateway.ledger():
        if entry.key not in order.payment.operations:
            yield f"{entry.key} is no saved intent"
    ours, theirs = balance(order).totals, world.gateway.totals(EUR)
    for name, own, other in (
        ("live", ours.authorised, theirs.live),
        ("captured", ours.captured, theirs.captured),
        ("refunded", ours.refunded, theirs.refunded),
    ):
        if own != other:
            yield f"{name}: {own} by the order, {other} at the gateway"


def _unrest(world: World, order: Order) -> Iterator[str]:
    tasks = [task for task in due(order, world.now) if not isinstance(task, CheckQueue)]
    yield from (f"still due: {task}" for task in tasks)
    if has_open_operations(order):
        yield "a payment operation is still open"
    if world.store.take_due(limit=1, lease=timedelta(0)):
        yield "the worker would still find work"


def _amounts(world: World, flow: Flow) -> Iterator[str]:
    """That the client got what it wanted: no fault is an excuse for doing nothing."""
    totals = world.gateway.totals(EUR)
    wanted = (flow.live, flow.captured, flow.refunded)
    found = (totals.live.minor, totals.captured.minor, totals.refunded.minor)
    if wanted != found:
        yield f"live, captured and refunded are {found}, not {wanted}"
