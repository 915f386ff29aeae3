"""
One life in the simulation: a shop, its clock, and the faults that strike.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar, cast

from attrs import define, evolve, field, frozen

from ordercore.errors import ConflictError, NotFoundError, OrderCoreError, UnavailableError
from ordercore.facts import Report, Request
from ordercore.ids import Actor, ItemId, LineId, LocationId, OrderId, StreamId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.inventory.sourcing import InOrder
from ordercore.moment import after
from ordercore.order.commands import AddNote, Place
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.commands import Outcome, ResolveOperation
from ordercore.payment.model import OperationStatus
from ordercore.ports.gateways import IdSource, PaymentGateway
from ordercore.service.effects import AskGateway, Effect, FindKey, Ports, SendToGateway
from ordercore.service.engine import Engine
from ordercore.service.intentions import intention_of
from ordercore.service.stock import StockEngine
from ordercore.service.sync import NoCarrier, run
from ordercore.service.worker import Worker
from ordercore.testing._simulation_faults import (
    FATES,
    LATE,
    CrashedError,
    Fault,
    Schedule,
    faults_at,
)
from ordercore.testing._simulation_store import (
    Histories,
    Saved,
    SimulatedStore,
    books_likeness,
)
from ordercore.testing.sandbox import EntryState, Faults, SandboxGateway

__all__ = [
    "LINE",
    "ORDER",
    "PUNCTUAL",
    "SHOP",
    "SLOW",
    "Flow",
    "Setting",
    "Step",
    "World",
]

_T = TypeVar("_T")

ORDER: Final = OrderId("order-1")
STREAM: Final = StreamId(ORDER)
LINE: Final = LineId("1")
SHOP: Final = LocationId("shop")
CLIENT, STAFF = Actor("customer:1"), Actor("staff:1")
STOCKED: Final = 5
MOST_ROUNDS: Final = 50
PAST: Final = timedelta(minutes=1)

PUNCTUAL: Final = timedelta(0)
"""A worker that comes when it should: a payment may still be sent again."""
SLOW: Final = timedelta(minutes=20)
"""A worker that comes when nothing may be sent any more, and the gateway must be asked."""


def itself(gateway: PaymentGateway) -> PaymentGateway:
    """Nothing between the engine and the gateway."""
    return gateway


@frozen(kw_only=True)
class Setting:
    """
    What is tested, and how its world goes on where nothing strikes.

    ``engine`` and ``terms`` are the host's own. ``between`` puts the host's own gateway in front
    of the sandbox; it is called once for each process, so that it keeps nothing when one dies.
    ``hears``: whether webhooks arrive. ``lateness``: how late the worker comes to what is due.
    ``hurries``: whether the client goes on while something is still in doubt.
    ``reconciles``: whether every figure of the gateway's books is reported once all is at rest,
    which must then be no news.
    """

    engine: Engine = field(factory=Engine)
    terms: Terms = field(factory=Terms)
    between: Callable[[PaymentGateway], PaymentGateway] = itself
    hears: bool = True
    lateness: timedelta = PUNCTUAL
    hurries: bool = False
    reconciles: bool = True


Step = Callable[["World"], Request | None]
"""What a client wants next; None: the step happened outside, and nothing is asked."""


@frozen(kw_only=True)
class Flow:
    """
    What a client wants, step by step, and what it comes to in cents outside (gateway, accounts).

    A step is asked for once, and repeated with the same key until it is served. ``terms`` changes
    those of the setting.
    """

    name: str
    steps: tuple[Step, ...]
    live: int = 0
    captured: int = 0
    refunded: int = 0
    terms: Callable[[Terms], Terms] = lambda terms: terms
    must_hear: bool = False
    """Whether it makes no sense without webhooks."""


class _Numbers(IdSource):
    """1, 2, 3 …: the same life gives the same ids."""

    def __init__(self) -> None:
        self.last = 0

    def new_id(self) -> str:
        self.last += 1
        return f"id-{self.last}"


@define
class World:
    """
    One shop with one clock.

    ``trace`` is every effect of `drive` since `strikes` was set: only those can be struck.
    """

    setting: Setting = field(factory=Setting)
    terms: Terms = field(factory=Terms)
    histories: Histories = field(factory=Histories)
    states: dict[Hashable, int] = field(factory=dict[Hashable, int])
    now: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    strikes: Schedule = Schedule()
    trace: list[Effect[object]] = field(factory=list[Effect[object]])
    rival: Callable[[], object] | None = None
    """What the client's second try would do."""
    surprises: list[str] = field(factory=list[str])
    """What others, who came in between, should not have been told."""
    gateway: SandboxGateway = field(init=False)
    store: SimulatedStore = field(init=False)
    ids: _Numbers = field(init=False)
    worker: Worker = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open the shop, and put some stock on its shelf."""
        faults = Faults(
            lost=0 if self.setting.hears else 1000, longest_delay=self.terms.payment.max_delay
        )
        able = self.terms.capabilities
        self.gateway = SandboxGateway(
            ":memory:", clock=self.clock, decline=False, faults=faults, capabilities=able
        )
        self.store = SimulatedStore(self.clock, self.histories)
        self.ids = _Numbers()
        stock = StockEngine(strategy=InOrder())
        self.worker = Worker(engine=self.setting.engine, stock=stock)
        line = ReceivedLine(item=ItemId("item-1"), location=SHOP, quantity=STOCKED)
        receive = ReceiveStock(lines=(line,))
        run(stock.execute(receive, by=CLIENT, key=None, stream=None, reason=""), self.ports())

    def clock(self) -> datetime:
        """The time of the store and of the gateway."""
        return self.now

    def ports(self) -> Ports:
        """The outside as one new process sees it."""
        payments = self.setting.between(self.gateway)
        return Ports(store=self.store, payments=payments, carrier=NoCarrier(), ids=self.ids)

    def order(self) -> Order:
        """
        The order as it stands; not counted.

        Raises:
            UnknownOrderError: It was not placed yet.
        """
        return run(self.setting.engine.load(STREAM), self.ports())

    # --- going back -----------------------------------------------------------------------------

    def save(self) -> Saved:
        """Everything, to go back to."""
        books = self.gateway.save()
        state = self.store.fingerprint(), books.fingerprint(), self.now
        number = self.states.setdefault(state, len(self.states))
        like = self.store.likeness(), books_likeness(books, self.now)
        likeness = self.states.setdefault(like, len(self.states))
        return Saved(self.store.save(), books, self.now, self.ids.last, number, likeness)

    def restore(self, saved: Saved) -> None:
        """Go back."""
        self.store.restore(saved.store)
        self.gateway.restore(saved.books)
        self.now, self.ids.last = saved.now, saved.ids

    # --- driving --------------------------------------------------------------------------------

    def drive(self, work: Coroutine[Effect[object], object, _T]) -> _T:
        """
        Drive a coroutine to its end; faults strike where the schedule says so.

        Raises:
            CrashedError: The process died on the way; the coroutine was dropped.
        """
        answer: object = None
        error: Exception | None = None
        ports = self.ports()
        while True:
            try:
                effect = work.send(answer) if error is None else work.throw(error)
            except StopIteration as stop:
                return cast("_T", stop.value)
            try:
                answer, error = self._strike(effect, ports), None
            except CrashedError:
                work.close()
                raise
            except Exception as raised:  # noqa: BLE001  # the coroutine decides what it means
                error = raised

    def _strike(self, effect: Effect[object], ports: Ports) -> object:
        index = len(self.trace)
        self.trace.append(effect)
        fault = self.strikes.fault_at(index)
        if fault is None or fault not in faults_at(effect):
            return effect.call(ports)
        self._befall(fault, index)
        answer = self._answer(effect, fault, ports)
        match fault:
            case Fault.CRASH_AFTER:
                raise CrashedError(index)
            case Fault.COMMIT_RAISED_BUT_SUCCEEDED:
                raise UnavailableError
            case Fault.WEBHOOK_FIRST:
                self._aside(partial(self._others_hear, 1))
            case Fault.WEBHOOK_TWICE:
                self._aside(partial(self._others_hear, 2))
            case _:
                pass
        return answer

    def _aside(self, others: Callable[[], object]) -> None:
        """Let others act; what goes wrong there is not the paused process's business."""
        try:
            others()
        except (ConflictError, UnavailableError):
            return
        except OrderCoreError as error:
            self.surprises.append(f"in between: {error.code}: {error}")

    def _befall(self, fault: Fault, index: int) -> None:
        match fault:
            case Fault.CRASH_BEFORE:
                raise CrashedError(index)
            case Fault.STORE_DOWN:
                raise UnavailableError
            case Fault.ZOMBIE:
                self.now += self.setting.engine.settings.lease + PAST
                self._aside(self._others_work)
            case Fault.WEBHOOK_AT_ONCE:
                self._aside(partial(self._others_hear, 1))
            case Fault.ACTOR_FIRST:
                self._aside(self._staff)
            case Fault.SAME_KEY_FIRST if self.rival is not None:
                self._aside(self.rival)
            case _ if fault in LATE:
                self._pass(fault)
            case _:
                pass

    def _pass(self, fault: Fault) -> None:
        match fault:
            case Fault.PAST_WINDOW:
                self.now += self.terms.payment.send_window + PAST
            case Fault.PAST_KEY:
                self.now += self.gateway.capabilities.key_lifetime + PAST
            case _:
                self.now = after(self.now, self.terms.confirm_within) + PAST

    def _answer(self, effect: Effect[object], fault: Fault, ports: Ports) -> object:
        match fault:
            case Fault.STALE_READ if isinstance(effect, FindKey):
                return None
            case Fault.STALE_READ:
                with self.store.a_commit_ago():
                    return effect.call(ports)
            case Fault.DUPLICATED:
                effect.call(ports)
                return effect.call(ports)
            case Fault.CLOCK_BACK | Fault.CLOCK_AHEAD:
                skew = self.terms.payment.clock_skew
                return self.now + (skew if fault is Fault.CLOCK_AHEAD else -skew)
            case _ if fault in FATES and isinstance(effect, SendToGateway | AskGateway):
                self.gateway.meet(FATES[fault])
                return effect.call(ports)
            case _:
                return effect.call(ports)

    # --- what others do in between --------------------------------------------------------------

    def _others_hear(self, copies: int) -> None:
        for delivery in self.gateway.webhooks():
            for _ in range(copies):
                intention = intention_of(delivery.report, key=None, by=CLIENT, order=ORDER)
                run(self.setting.engine.execute(STREAM, delivery.report, intention), self.ports())

    def _others_work(self) -> None:
        for _ in range(MOST_ROUNDS):
            if run(self.worker.run_due(10), self.ports()).is_idle:
                return

    def _staff(self) -> None:
        note = AddNote(text="seen")
        intention = intention_of(note, key=None, by=STAFF, order=ORDER)
        try:
            run(self.setting.engine.execute(STREAM, note, intention), self.ports())
        except NotFoundError:
            return

    # --- what a client, a webhook, the worker and a person do -----------------------------------

    def ask(self, command: Request | Report, key: str | None) -> bool:
        """Ask for something; whether it was served."""
        about = None if isinstance(command, Place) else ORDER
        intention = intention_of(command, key=key, by=CLIENT, order=about)
        engine = self.setting.engine

        def again() -> None:
            if key is not None:
                run(engine.execute(STREAM, command, intention), self.ports())

        self.rival = again
        try:
            self.drive(engine.execute(STREAM, command, intention))
        except (UnavailableError, ConflictError):
            return False
        finally:
            self.rival = None
        return True

    def hear(self) -> bool:
        """Serve all webhooks; one whose receiver dies or knows no such order comes again."""
        try:
            return all(self.ask(delivery.report, None) for delivery in self.gateway.webhooks())
        except NotFoundError:
            return False

    def work(self) -> bool:
        """Let the worker do its rounds until nothing is due; whether it came to an end."""
        try:
            for _ in range(MOST_ROUNDS):
                if self.drive(self.worker.run_due(10)).is_idle:
                    return True
        except UnavailableError:
            pass
        return False

    def resolve(self) -> int:
        """Let a person look up in the gateway's books what was parked; how many there were."""
        parked = [
            found.intent
            for found in self.order().payment.operations.values()
            if found.status is OperationStatus.PARKED
        ]
        for intent in parked:
            entry = next((row for row in self.gateway.ledger() if row.key == intent.key), None)
            if entry is not None and entry.state is EntryState.PENDING:
                continue
            done = entry is not None and entry.state is EntryState.SUCCEEDED
            command = ResolveOperation(
                key=intent.key,
                outcome=Outcome.SUCCEEDED if done else Outcome.NEVER_HAPPENED,
            )
            if entry is not None and done:
                command = evolve(command, reference=entry.reference, amount=entry.amount)
            try:
                intention = intention_of(command, key=None, by=STAFF, order=ORDER)
                run(self.setting.engine.execute(STREAM, command, intention), self.ports())
            except OrderCoreError:
                continue
        return len(parked)
