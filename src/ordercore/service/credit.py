"""
Accounts of store value: issued, looked at, lapsed, and paid from in the commits of orders.
"""

from __future__ import annotations

from datetime import datetime

from attrs import define, field, frozen

from ordercore.errors import ConflictError, RefusedError
from ordercore.facts import Event
from ordercore.ids import Actor, CommitId, Key, StreamId
from ordercore.order.model import Order
from ordercore.payment.account import Account, replay_value
from ordercore.payment.events import StoreValueFact
from ordercore.payment.intents import is_operation_key
from ordercore.payment.model import Intent, account_stream
from ordercore.payment.store_value import (
    IssueValue,
    ReleaseValue,
    ReportLapse,
    ReturnValue,
    StoreValueCommand,
    TakeValue,
    UnknownAccountError,
    decide_value,
)
from ordercore.ports.repositories import UnknownOrderError
from ordercore.ports.unit_of_work import ChangeSet, Committed, StreamChange, StreamKind
from ordercore.process.tasks import MoveValue, Task
from ordercore.process.value import OF_REST, settle_value
from ordercore.service.cart import is_of_cart
from ordercore.service.effects import Load, NewId, Now, Sleep, written
from ordercore.service.settings import Settings

__all__ = [
    "CreditEngine",
    "CreditReceipt",
    "HoldOfOrderError",
    "Purse",
    "open_purse",
    "order_of",
    "paid",
]


@define
class HoldOfOrderError(RefusedError):
    """Somebody else than the order reaches for what a payment of it has set aside."""

    sentence = "The key {key} is of a payment of an order: only the order itself can move it."
    key: Key


@define
class Purse:
    """One account in hand: as it was read, and the facts that the next commit will write."""

    stream: StreamId
    account: Account | None = None
    version: int = 0
    wakes: int = 0
    events: list[Event] = field(factory=list[Event])

    def pay(self, order: Order, intent: Intent, now: datetime) -> tuple[Event, ...]:
        """The facts of the order; those of the account are kept for the same commit."""
        events, facts = settle_value(order.payment, intent, self.account, now)
        self.add(facts)
        return events

    def add(self, facts: tuple[Event, ...]) -> None:
        """Fold new facts in."""
        self.account = replay_value(facts, self.account)
        self.events.extend(facts)

    @property
    def change(self) -> StreamChange:
        """What a commit writes of it; it is looked at again when its next lot ends."""
        return StreamChange(
            stream=self.stream,
            kind=StreamKind.CREDIT,
            expected_version=self.version,
            events=tuple(self.events),
            due_at=None if self.account is None else self.account.lapses_at(),
            seen_wakes=self.wakes,
        )


async def paid(
    purses: dict[StreamId, Purse], order: Order, task: Task, now: datetime
) -> tuple[Event, ...]:
    """What an account of store value pays at once; no facts where no account is to pay."""
    if not isinstance(task, MoveValue):
        return ()
    found = order.payment.operations[task.key]
    account = None if found.tender is None else found.tender.account
    if account is None:
        return ()
    if account not in purses:
        purses[account] = await open_purse(account)
    return purses[account].pay(order, found.intent, now)


async def open_purse(stream: StreamId) -> Purse:
    """An account as it stands; without a history where there is none."""
    try:
        stored = await Load(stream)
    except UnknownOrderError:
        return Purse(stream)
    if stored.kind is not StreamKind.CREDIT:
        return Purse(stream)
    return Purse(stream, replay_value(stored.tail), stored.version, stored.wakes)


def order_of(committed: Committed) -> StreamId:
    """The stream that a commit is about: accounts only pay for it, and a cart gave its hold up."""
    events = committed.events
    own = (
        stream
        for stream, facts in events.items()
        if not _is_of_account(facts) and not is_of_cart(facts)
    )
    return next(own, next(iter(events)))


def _is_of_account(facts: tuple[Event, ...]) -> bool:
    return bool(facts) and isinstance(facts[0], StoreValueFact)


def _opened(stream: StreamId, command: StoreValueCommand) -> Account:
    if not isinstance(command, IssueValue):
        raise UnknownAccountError(stream)
    return Account(currency=command.amount.currency)


def _check_owner(command: StoreValueCommand) -> None:
    """What a payment of an order holds moves in the commits of that order only (RULES PAY-1)."""
    named: tuple[Key, ...] = () if isinstance(command, ReportLapse) else (command.key,)
    if isinstance(command, TakeValue | ReleaseValue | ReturnValue):
        named = (*named, command.hold)
    for key in named:
        if is_operation_key(Key(key.removesuffix(OF_REST))):
            raise HoldOfOrderError(key)


@frozen(kw_only=True)
class CreditReceipt:
    """The answer to a command about an account: the account after it, and the facts."""

    stream: StreamId
    account: Account
    events: tuple[Event, ...]


@frozen(kw_only=True)
class CreditEngine:
    """Serves commands about accounts of store value; each step counts once by its own key."""

    settings: Settings = Settings()

    async def execute(
        self, account: str, command: StoreValueCommand, *, by: Actor, reason: str = ""
    ) -> CreditReceipt:
        """
        Serve one command; the first lot that is issued makes the account.

        Raises:
            HoldOfOrderError: Its key, or the hold that it names, belongs to an order.
        """
        _check_owner(command)
        return await self.serve(account_stream(account), command, by=by, reason=reason)

    async def load(self, account: str) -> Account:
        """The account as it stands."""
        found = (await open_purse(account_stream(account))).account
        if found is None:
            raise UnknownAccountError(account)
        return found

    async def lapse(self, stream: StreamId, *, by: Actor) -> None:
        """Close the lots whose time is over; what a worker calls."""
        await self.serve(stream, ReportLapse(at=await Now()), by=by)

    async def serve(
        self, stream: StreamId, command: StoreValueCommand, *, by: Actor, reason: str = ""
    ) -> CreditReceipt:
        """Read, decide and commit; again from a fresh read when somebody else was first."""
        attempt = 0
        while True:
            purse = await open_purse(stream)
            now = await Now()
            start = purse.account or _opened(stream, command)
            purse.add(decide_value(start, command, now))
            after = purse.account or start
            if not purse.events:
                await Sleep(stream, purse.version, purse.wakes, after.lapses_at())
                return CreditReceipt(stream=stream, account=after, events=())
            changes = ChangeSet(
                commit=CommitId(await NewId()),
                by=by,
                occurred_at=min(purse.events[0].at, now),
                reason=reason,
                streams=(purse.change,),
            )
            try:
                await written(changes)
            except ConflictError:
                attempt += 1
                if attempt > self.settings.conflicts:
                    raise
                continue
            return CreditReceipt(stream=stream, account=after, events=tuple(purse.events))
