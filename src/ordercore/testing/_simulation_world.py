"""
One life in the simulation: a client, its order, and the faults that strike.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar, cast

from attrs import define, evolve, field, frozen

from ordercore.errors import ConflictError, NotFoundError, OrderCoreError, UnavailableError
from ordercore.facts import Report, Request
from ordercore.ids import OrderId, StreamId
from ordercore.moment import after
from ordercore.order.commands import Place
from ordercore.order.quote import StaleQuoteError
from ordercore.order.terms import Terms
from ordercore.payment.answers import PartiallyApproved, Pending, Succeeded
from ordercore.payment.commands import Outcome, ResolveOperation
from ordercore.payment.model import OperationState, OperationStatus
from ordercore.ports.repositories import StoredStream
from ordercore.service.effects import (
    AskGateway,
    BookParcelCall,
    Effect,
    FindKey,
    Now,
    Ports,
    SendToGateway,
)
from ordercore.service.intentions import intention_of
from ordercore.service.sync import run
from ordercore.testing._simulation_faults import (
    FATES,
    LATE,
    UNSURE,
    CrashedError,
    Fault,
    Schedule,
    boundary_of,
    faults_at,
)
from ordercore.testing._simulation_shop import (
    CLIENT,
    LINE,
    MOST_ROUNDS,
    ORDER,
    PUNCTUAL,
    SHOP,
    SLOW,
    STAFF,
    STREAM,
    Setting,
    Shop,
    staff,
)
from ordercore.testing.sandbox import EntryState

__all__ = [
    "LINE",
    "ORDER",
    "PUNCTUAL",
    "SHOP",
    "SLOW",
    "STAFF",
    "STREAM",
    "Elsewhere",
    "Flow",
    "Setting",
    "Shop",
    "Step",
    "World",
]

_T = TypeVar("_T")

PAST: Final = timedelta(minutes=1)
WRONG: Final = timedelta(hours=1)
"""How wrong a machine's own clock is."""
_AHEAD: Final = frozenset({Fault.CLOCK_AHEAD, Fault.SKEW_AHEAD, Fault.GATEWAY_AHEAD})
_SHORTEN: Final = frozenset({Fault.CLOCK_BACK, Fault.SKEW_BACK})
"""Faults that make a lease look longer: a call may then be sent again, with its key, in time."""


Step = Callable[["World"], Request | None]
"""What a client wants next; None: the step happened outside, and nothing is asked."""


@frozen
class Elsewhere:
    """A step about an order that was made from the first one."""

    order: OrderId
    step: Step

    def __call__(self, world: World) -> Request | None:
        """What the client wants."""
        return self.step(world)


@frozen(kw_only=True)
class Flow:
    """
    What a client wants, step by step, and what it comes to in cents outside (gateway, accounts).

    A step is asked for once, and repeated with the same key until it is served. ``terms`` changes
    those of the setting; ``others`` is what somebody else does where the fault is that somebody
    was first.
    """

    name: str
    steps: tuple[Step, ...]
    live: int = 0
    captured: int = 0
    refunded: int = 0
    terms: Callable[[Terms], Terms] = lambda terms: terms
    others: Callable[[Shop], None] = staff
    must_hear: bool = False
    """Whether it makes no sense without webhooks."""

    def order_of(self, number: int) -> OrderId:
        """The order that a step is about."""
        step = self.steps[number]
        return step.order if isinstance(step, Elsewhere) else ORDER


@define
class World(Shop):
    """
    A shop, and a client with one order.

    ``trace`` is every effect of `drive` since `strikes` was set: only those can be struck.
    """

    strikes: Schedule = Schedule()
    trace: list[Effect[object]] = field(factory=list[Effect[object]])
    rival: Callable[[], object] | None = None
    """What the client's second try would do."""
    skew: timedelta = timedelta(0)
    """How far ahead the running process reads the store's clock."""
    hits: list[tuple[str, Fault]] = field(factory=list[tuple[str, Fault]])
    """The faults that found something to strike, and at which boundary."""
    _at: tuple[str, Fault] | None = None

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
        self.skew = self.drift = timedelta(0)
        self._at = None
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
            return self._called(effect, ports)
        self._at = boundary_of(effect), fault
        self._hit(is_real=fault not in UNSURE)
        self._befall(fault, index)
        answer = self._answer(effect, fault, ports)
        match fault:
            case Fault.CRASH_AFTER:
                self._hit()
                raise CrashedError(index)
            case Fault.COMMIT_RAISED_BUT_SUCCEEDED:
                self._hit()
                raise UnavailableError
            case Fault.WEBHOOK_FIRST:
                self._hear_aside(1)
            case Fault.WEBHOOK_TWICE:
                self._hear_aside(2)
            case Fault.SLOW_CALL if isinstance(effect, SendToGateway):
                self._wait_for(effect)
            case _:
                pass
        return answer

    def _hit(self, *, is_real: bool = True) -> None:
        """The fault had something to strike; once is enough."""
        if is_real and self._at is not None:
            self.hits.append(self._at)
            self._at = None

    def _hear_aside(self, copies: int) -> None:
        before = self.heard
        self.aside(partial(self.others_hear, copies))
        self._hit(is_real=self.heard > before)

    def _called(self, effect: Effect[object], ports: Ports) -> object:
        """What is answered; who reads the clock may read it wrong."""
        answer = effect.call(ports)
        if isinstance(effect, Now) and isinstance(answer, datetime):
            self._hit(is_real=bool(self.skew))
            return answer + self.skew
        return answer

    def _wait_for(self, call: SendToGateway) -> None:
        """The answer takes its time, and other workers look for what is due meanwhile."""
        known = call.request.key, "call"
        before = self.gateway.save().calls[known]
        self.now += self.gateway.capabilities.call_timeout
        self.aside(self.others_work)
        is_short = not _SHORTEN.isdisjoint(dict(self.strikes.strikes).values())
        if self.gateway.save().calls[known] > before and not is_short:
            self.surprises.append(f"{call.request.key} was sent again while it was under way")

    def _befall(self, fault: Fault, index: int) -> None:
        match fault:
            case Fault.CRASH_BEFORE:
                raise CrashedError(index)
            case Fault.STORE_DOWN:
                raise UnavailableError
            case Fault.ZOMBIE:
                self.now += self.setting.engine.settings.lease + PAST
                self.aside(self.others_work)
            case Fault.WEBHOOK_AT_ONCE:
                self._hear_aside(1)
            case Fault.ACTOR_FIRST:
                before = self.store.commits
                self.aside(partial(self.others, self))
                self._hit(is_real=self.store.commits > before)
            case Fault.SAME_KEY_FIRST if self.rival is not None:
                self._hit()
                self.aside(self.rival)
            case _ if fault in LATE:
                self._pass(fault)
            case _:
                self._put_wrong(fault)

    def _put_wrong(self, fault: Fault) -> None:
        """Put a clock wrong."""
        skew = self.terms.payment.clock_skew if fault in _AHEAD else -self.terms.payment.clock_skew
        match fault:
            case Fault.SKEW_AHEAD | Fault.SKEW_BACK:
                self.skew = skew
            case Fault.GATEWAY_BACK if self.gateway.ledger():
                pass  # it has told a time already, and no clock goes back
            case Fault.GATEWAY_AHEAD | Fault.GATEWAY_BACK:
                self._hit()
                self.offset = skew
            case Fault.OWN_CLOCK:
                self.drift = WRONG
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
            case Fault.STALE_READ:
                return self._stale(effect, ports)
            case Fault.DUPLICATED:
                effect.call(ports)
                return effect.call(ports)
            case Fault.CLOCK_BACK | Fault.CLOCK_AHEAD:
                skew = self.terms.payment.clock_skew
                return self.now + (skew if fault in _AHEAD else -skew)
            case _ if fault in FATES and isinstance(effect, SendToGateway | AskGateway):
                self.gateway.meet(FATES[fault])
            case _ if fault in FATES and isinstance(effect, BookParcelCall):
                self.carrier.meet(FATES[fault])
            case _:
                pass
        answer = self._called(effect, ports)
        is_bent = fault is Fault.WRONG_AMOUNT and isinstance(answer, Succeeded | PartiallyApproved)
        self._hit(is_real=is_bent or (fault is Fault.PENDING and isinstance(answer, Pending)))
        return answer

    def _stale(self, effect: Effect[object], ports: Ports) -> object:
        """What was read a commit ago; whether that is another answer."""
        try:
            fresh = effect.call(ports)
        except NotFoundError:
            fresh = None
        if isinstance(effect, FindKey):
            self._hit(is_real=fresh is not None)
            return None
        with self.store.a_commit_ago():
            try:
                answer = effect.call(ports)
            except NotFoundError:
                self._hit(is_real=fresh is not None)
                raise
        self._hit(is_real=_version(answer) != _version(fresh))
        return answer

    # --- what a client, a webhook, the worker and a person do -----------------------------------

    def ask(self, command: Request | Report, key: str | None, order: OrderId = ORDER) -> bool:
        """Ask for something; whether it was served."""
        stream = StreamId(order)
        about = None if isinstance(command, Place) else order
        intention = intention_of(command, key=key, by=CLIENT, order=about)
        engine = self.setting.engine

        def again() -> None:
            run(engine.execute(stream, command, intention), self.ports())

        self.rival = None if key is None else again
        try:
            self.drive(engine.execute(stream, command, intention))
        except StaleQuoteError:
            raise  # no second try of the same can be served
        except (UnavailableError, ConflictError):
            return False
        finally:
            self.rival = None
        return True

    def hear(self) -> bool:
        """Serve all webhooks; one whose receiver dies or knows no such order comes again."""
        try:
            return all(
                self.ask(delivery.report, None, delivery.order)
                for delivery in self.gateway.webhooks()
            )
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
            (order.id, found)
            for order in self.orders()
            for found in order.payment.operations.values()
            if found.status is OperationStatus.PARKED
        ]
        for order, found in parked:
            self._look_up(order, found)
        return len(parked)

    def _look_up(self, order: OrderId, found: OperationState) -> None:
        intent = found.intent
        entry = next((row for row in self.gateway.ledger(order) if row.key == intent.key), None)
        if entry is not None and entry.state is EntryState.PENDING:
            return
        done = entry is not None and entry.state is EntryState.SUCCEEDED
        command = ResolveOperation(
            key=intent.key, outcome=Outcome.SUCCEEDED if done else Outcome.NEVER_HAPPENED
        )
        if entry is not None and done:
            ends = {row.key: row.expires_at for row in self.gateway.save().rows}[intent.key]
            command = evolve(
                command, reference=entry.reference, amount=entry.amount, expires_at=ends
            )
        intention = intention_of(command, key=None, by=STAFF, order=order)
        try:
            run(self.setting.engine.execute(StreamId(order), command, intention), self.ports())
        except OrderCoreError:
            return


def _version(read: object) -> object:
    return read.version if isinstance(read, StoredStream) else read
