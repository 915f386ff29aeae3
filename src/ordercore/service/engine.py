"""
The one loop: read, decide, settle, commit, perform, report; until nothing is due now.

It is written once, as coroutines over effects (`ordercore.service.effects`), and has no state of
its own: first run and recovery are the same code, because what must happen next is derived from
the stored facts alone.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Final, get_args

from attrs import evolve, frozen

from ordercore.errors import ConflictError, NotFoundError, RefusedError
from ordercore.facts import Event, Report
from ordercore.ids import CommitId, OrderId, StreamId
from ordercore.inventory.model import OutOfStockError
from ordercore.order.commands import ConfirmAmendment, ExchangeGoods, Place, UndoAmendment
from ordercore.order.decide import Command, decide, replay
from ordercore.order.linked import is_linking, opening
from ordercore.order.model import Order
from ordercore.ports.unit_of_work import (
    ChangeSet,
    Committed,
    KeyReusedError,
    StreamChange,
    VersionConflictError,
)
from ordercore.process.due import Agenda, wake_at
from ordercore.process.settle import settle, settle_queue, settle_reservation
from ordercore.process.tasks import (
    BookParcel,
    CheckQueue,
    LookUpPayment,
    MoveValue,
    PassBack,
    RemoteTask,
    ReserveStock,
    SendPayment,
    Task,
)
from ordercore.service.answers import performed
from ordercore.service.asking import Ask, plainly
from ordercore.service.cart import handed_over
from ordercore.service.credit import order_of, paid
from ordercore.service.effects import (
    FindKey,
    Load,
    NewId,
    Now,
    ReadAllocations,
    ReadCounters,
    Sleep,
    written,
)
from ordercore.service.elder import given_back
from ordercore.service.reading import order_in
from ordercore.service.settings import Settings
from ordercore.service.summary import summary_of
from ordercore.service.turn import SYSTEM, Intention, Receipt, RunawayError, Turn

__all__ = ["SYSTEM", "Engine", "Intention", "Receipt", "RunawayError", "Settings"]

_QUEUE: Final = CheckQueue()
_LATER: Final = (*get_args(RemoteTask), CheckQueue)
"""What is not settled before a commit."""


@frozen(kw_only=True)
class Engine:
    """The loop with its settings; each method is a coroutine over effects."""

    settings: Settings = Settings()
    ask: Ask = plainly
    """How it asks the pure core: a simulation remembers what it has asked before."""

    async def execute(self, stream: StreamId, command: Command, intention: Intention) -> Receipt:
        """Serve one command, then do all that is due; a known key answers as it did first."""
        known = await self._known(intention)
        if known is not None:
            return await self._replayed(known, intention)
        try:
            return await self._served(stream, command, intention)
        except (ConflictError, NotFoundError, RefusedError):
            known = await self._known(intention)
            if known is None:
                raise
            return await self._replayed(known, intention)

    async def _served(self, stream: StreamId, command: Command, intention: Intention) -> Receipt:
        """
        Serve a command whose key is new.

        Where another try with the same key came first meanwhile, this one is refused for what that
        one did; so `execute` looks for the key once more.
        """
        is_new = isinstance(command, Place)
        turn = Turn(stream, None, ask=self.ask) if is_new else await self._load(stream)
        turn, _ = await self._step(turn, command, intention, serving=asks_for_stock(command))
        first = turn.committed
        if first is not None and turn.is_late:
            return await self._replayed(first, intention)
        turn = await self.drive(turn)
        if is_linking(command):
            await self.drive(await self._load(StreamId(command.order)))
        return Receipt(
            order=turn.current,
            events=first.events[stream] if first is not None else (),
            key=intention.key,
            recorded_at=first.recorded_at if first is not None else None,
        )

    async def preview(self, stream: StreamId, command: Command) -> tuple[Order, tuple[Event, ...]]:
        """What the command would do, or why it would be refused; nothing is written."""
        turn = await self._load(stream)
        now = await Now()
        await self._learn(turn, now)
        await self._decide(turn, command, Intention(), now)
        await self._settle(turn, now, serving=asks_for_stock(command))
        return turn.current, tuple(turn.events)

    async def load(self, stream: StreamId) -> Order:
        """The order as it stands."""
        return (await self._load(stream)).current

    async def advance(self, stream: StreamId) -> Order:
        """Do all that is due now; what a worker calls."""
        return (await self.drive(await self._load(stream))).current

    async def drive(self, turn: Turn) -> Turn:
        """Settle, commit and perform until nothing is due now, then sleep."""
        answered: set[Task] = set()
        first: Agenda | None = None
        numbers = count()
        while True:
            turn, now = await self._step(turn, None, Intention(), serving=False)
            first = first or turn.due(now)
            self._check_rounds(next(numbers), first)
            if any(not isinstance(task, _LATER) and turn.is_open(task) for task in turn.due(now)):
                continue  # stock is taken once in a commit: the rest comes with the next
            remote = (task for task in turn.due(now) if isinstance(task, RemoteTask))
            task = next((task for task in remote if task not in answered), None)
            if task is None:
                return await self._rest(turn, now, answered)
            now = await Now()
            if task not in self.ask(Agenda, turn.current, now):
                continue  # its window closed just now
            if not self._outlasts(turn, now):
                turn = await self._renewed(turn, now)
                continue  # that took time: what is due is looked at once more
            answered.add(task)
            report = await self._perform(task, turn.current)
            turn, _ = await self._step(turn, report, Intention(), serving=False)

    def _outlasts(self, turn: Turn, now: datetime) -> bool:
        """
        Whether its lease lasts longer than a call may take: else a worker makes the same call.

        Where workers failed on the order, the record of that is kept: a renewal would clear it.
        """
        longest = turn.current.terms.capabilities.call_timeout
        return turn.has_failed or (turn.due_at is not None and turn.due_at > now + longest)

    async def _renewed(self, turn: Turn, now: datetime) -> Turn:
        """The same under a lease of its own, as who took it may have died; or as it is by now."""
        longest = turn.current.terms.capabilities.call_timeout
        turn.due_at = now + max(self.settings.lease, 2 * longest)
        is_first = await Sleep(turn.stream, turn.version, turn.wakes, turn.due_at)
        return turn if is_first else await self._again(turn)

    def _check_rounds(self, number: int, first: Agenda) -> None:
        """Each task that was due at first has its round; rules that contradict make ever more."""
        rounds = self.settings.rounds
        if number >= rounds and number >= rounds + sum(1 for _ in first):
            raise RunawayError(first.order.id, number)

    async def _known(self, intention: Intention) -> Committed | None:
        if intention.key is None:
            return None
        known = await FindKey(intention.key)
        if known is not None and known.fingerprint != intention.fingerprint:
            raise KeyReusedError(intention.key)
        return known

    async def _replayed(self, known: Committed, intention: Intention) -> Receipt:
        stream = order_of(known)
        turn = await self.drive(await self._load(stream))
        return Receipt(
            order=turn.current,
            events=known.events[stream],
            key=intention.key,
            recorded_at=known.recorded_at,
            replayed=True,
        )

    async def _load(self, stream: StreamId) -> Turn:
        stored = await Load(stream)
        order = order_in(stored, stream)
        return Turn(
            stream,
            order,
            requested=stored.requested,
            wakes=stored.wakes,
            tail=len(stored.tail),
            due_at=stored.due_at,
            has_failed=stored.attempts > 0,
            order=order,
            ask=self.ask,
        )

    async def _step(
        self, turn: Turn, command: Command | None, intention: Intention, *, serving: bool
    ) -> tuple[Turn, datetime]:
        """
        Decide, settle and commit; again from a fresh read when somebody else was first.

        Nothing local was open at the instant that comes back.
        """
        for attempt in range(self.settings.conflicts + 1):
            self._check_expected(turn, intention)
            now = await Now()
            await self._learn(turn, now)
            other = None
            if command is not None:
                other = await self._decide(turn, command, intention, now)
            await self._settle(turn, now, serving=serving)
            if not turn.events:
                return turn, now
            changes = self._changes(turn, now, intention, CommitId(await NewId()))
            if other is not None:
                changes = evolve(
                    changes, streams=(*changes.streams, self._change(other, now, Intention()))
                )
            try:
                return await self._write(turn, changes), now
            except (ConflictError, OutOfStockError) as error:
                is_taken = turn.read is None and turn.is_about_order(error)
                if is_taken or attempt == self.settings.conflicts:
                    raise turn.told(error) from error.__cause__
            turn = await self._again(turn)
        raise RunawayError(OrderId(turn.stream), self.settings.conflicts)

    async def _decide(
        self, turn: Turn, command: Command, intention: Intention, now: datetime
    ) -> Turn | None:
        """Decide; answers the order that is made from this one in the same commit, if one is."""
        before = turn.order
        events = self.ask(decide, before, command, now)
        intention.judge(before, events)
        turn.add(events)
        if isinstance(command, Place) and command.hold is not None:
            turn.cart = await handed_over(command.hold, turn.stream, now)
        if before is None or not is_linking(command):
            return None
        await self._settle(turn, now, serving=False)  # what it gives up pays for the other one
        other = Turn(StreamId(command.order), None, purses=turn.purses, ask=self.ask)
        other.add(opening(before, command, events, now))
        await self._settle(other, now, serving=isinstance(command, ExchangeGoods))
        return other

    async def _again(self, turn: Turn) -> Turn:
        if turn.read is None:
            return Turn(turn.stream, None, ask=self.ask)
        return evolve(await self._load(turn.stream), answered=turn.answered - {_QUEUE})

    def _check_expected(self, turn: Turn, intention: Intention) -> None:
        """Only another request makes what the caller has seen old: the outside may report."""
        expected = intention.expected_version
        if expected is not None and not turn.requested <= expected <= turn.version:
            raise VersionConflictError(turn.stream, expected, turn.version)

    async def _learn(self, turn: Turn, now: datetime) -> None:
        """Learn what others did to the order's stock, once a run, before anything is decided."""
        if turn.wakes and turn.order is not None and _QUEUE not in turn.answered:
            turn.answered.add(_QUEUE)
            if _QUEUE in turn.due(now):
                turn.add(settle_queue(turn.order, await ReadAllocations(turn.stream), now))

    async def _settle(self, turn: Turn, now: datetime, *, serving: bool) -> None:
        first = turn.due(now)
        for number in count():
            self._check_rounds(number, first)
            task = next(
                (
                    task
                    for task in turn.due(now)
                    if not isinstance(task, _LATER) and turn.is_open(task)
                ),
                None,
            )
            if task is None:
                return
            events = await paid(turn.purses, turn.current, task, now)
            events = events or await self._settled(task, turn, now, serving=serving)
            if not events:
                turn.answered.add(task)
            turn.has_taken = turn.has_taken or (isinstance(task, ReserveStock) and bool(events))
            turn.add(events)

    async def _settled(
        self, task: Task, turn: Turn, now: datetime, *, serving: bool
    ) -> tuple[Event, ...]:
        order, cart = turn.current, turn.cart
        match task:
            case ReserveStock(wanted=wanted):
                counters = await ReadCounters(tuple(dict.fromkeys(line.item for line in wanted)))
                fact = None if cart is None else cart.fact
                return settle_reservation(order, task, counters, now, may_refuse=serving, cart=fact)
            case PassBack(amount=amount):
                turn.elder, events = await given_back(turn.elder, order, amount, now)
                return events
            case CheckQueue() | MoveValue() | SendPayment() | LookUpPayment() | BookParcel():
                return ()
            case _:
                return self.ask(settle, order, task, now)

    def _changes(
        self, turn: Turn, now: datetime, intention: Intention, commit: CommitId
    ) -> ChangeSet:
        return ChangeSet(
            commit=commit,
            key=intention.key,
            fingerprint=intention.fingerprint,
            by=intention.by,
            occurred_at=turn.events[0].at,
            reason=intention.reason,
            streams=(self._change(turn, now, intention), *turn.beside(now)),
            claims=intention.claims,
            parties=intention.parties,
        )

    def _change(self, turn: Turn, now: datetime, intention: Intention) -> StreamChange:
        order = turn.current
        return StreamChange(
            stream=turn.stream,
            expected_version=turn.version,
            events=tuple(turn.events),
            counts=intention.counts,
            due_at=self._due_at(turn, now),
            seen_wakes=turn.wakes,
            summary=self.ask(summary_of, order),
            snapshot=turn.read if turn.tail > self.settings.tail else None,
        )

    def _due_at(self, turn: Turn, now: datetime) -> datetime | None:
        if any(task != _QUEUE for task in turn.due(now)):
            return now + self.settings.lease  # should this worker die, another one goes on
        return self.ask(wake_at, turn.current, now)

    async def _write(self, turn: Turn, changes: ChangeSet) -> Turn:
        committed = await written(changes)
        if committed.commit != changes.commit:
            stream = order_of(committed)
            return evolve(await self._load(stream), committed=committed, is_late=True)
        change = changes.streams[0]
        order = turn.current
        if changes.series:
            order = replay(committed.events[turn.stream], turn.read)
        return Turn(
            turn.stream,
            order,
            requested=order.version if change.counts else turn.requested,
            wakes=turn.wakes,
            tail=len(turn.events) + (0 if change.snapshot is not None else turn.tail),
            due_at=change.due_at,
            has_failed=turn.has_failed,
            order=order,
            answered=turn.answered,
            committed=committed,
            given=turn.given if turn.elder is None else turn.elder.stream,
            agenda=turn.agenda,
            ask=self.ask,
        )

    async def _perform(self, task: RemoteTask, order: Order) -> Report:
        return await performed(task, order)

    async def _rest(self, turn: Turn, now: datetime, answered: set[Task]) -> Turn:
        until = self.ask(wake_at, turn.current, now)
        if any(task in answered for task in turn.due(now)):
            later = now + self.settings.lease
            until = later if until is None else min(until, later)
        if until != turn.due_at or turn.has_failed:
            await Sleep(turn.stream, turn.version, turn.wakes, until)
        if turn.given is not None:
            await self.drive(await self._load(turn.given))
        return turn


def asks_for_stock(command: Command) -> bool:
    """Whether missing stock refuses this command; with any other, the order waits for the stock."""
    return isinstance(command, Place | ConfirmAmendment | UndoAmendment)
