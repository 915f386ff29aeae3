"""
A payment gateway and a carrier to test against: slow, forgetful, but with books of their own.

Real ones cannot be asked what really happened; these can. Each keeps its own ledger in its own
SQLite file, which survives the death of any process and may be used from several at once. They
remember keys, enforce what real ones enforce, and go wrong as often as `Faults` says: everything
is decided by hashing the seed and the key, so that the same run fails in the same way.

>>> from ordercore.money import EUR
>>> gateway = SandboxGateway(":memory:")
>>> gateway.totals(EUR).captured
Money(0, EUR)

An authorisation or an increase is declined by the last two digits of its amount in minor units,
unless ``decline=False``: see `BY_AMOUNT`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import Currency, Money
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Succeeded,
    Unknown,
)
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import PaymentCall
from ordercore.testing._sandbox_audit import (
    SandboxTotals,
    Violation,
    ViolationKind,
    totals,
    violations,
)
from ordercore.testing._sandbox_books import Ask, Entry, EntryState
from ordercore.testing._sandbox_carrier import CarrierEntry, SandboxCarrier
from ordercore.testing._sandbox_chance import NO_FAULTS, Chance, Fate, Faults
from ordercore.testing._sandbox_desk import Desk
from ordercore.testing._sandbox_errors import SandboxDownError, UnknownToSandboxError
from ordercore.testing._sandbox_file import SandboxFileError
from ordercore.testing._sandbox_memory import MemoryBooks, MemoryFile
from ordercore.testing._sandbox_outside import Outside
from ordercore.testing._sandbox_rules import BY_AMOUNT
from ordercore.testing._sandbox_sql import SqlFile
from ordercore.testing._sandbox_webhooks import Delivery

__all__ = [
    "BY_AMOUNT",
    "NO_FAULTS",
    "CarrierEntry",
    "Delivery",
    "EntryState",
    "Fate",
    "Faults",
    "LedgerEntry",
    "MemoryBooks",
    "SandboxCarrier",
    "SandboxDownError",
    "SandboxFileError",
    "SandboxGateway",
    "SandboxTotals",
    "UnknownToSandboxError",
    "Violation",
    "ViolationKind",
]

CLOCK_SKEW: Final = timedelta(minutes=1)
"""How far the clock of the engine's store may be behind the sandbox's."""
_KEPT: Final = "kept error"
_WITHOUT_ANSWER: Final = frozenset({Fate.LOST_CALL, Fate.LATE_CALL, Fate.LOST_ANSWER})


@frozen(kw_only=True)
class LedgerEntry:
    """
    What the gateway's own books say about one operation.

    ``asked`` is what was wanted, ``amount`` what it moved, or will have moved where it is pending;
    ``code`` says why it was declined.
    """

    key: Key
    order: OrderId
    operation: Operation
    tender: TenderId
    asked: Money
    amount: Money
    reference: Reference
    target: Reference | None
    at: datetime
    state: EntryState
    code: str = ""


def _system_clock() -> datetime:
    return datetime.now(UTC)


class SandboxGateway(Outside):
    """
    A payment gateway with its own ledger.

    It forgets a key when its lifetime is over: the same call is done a second time then, and who
    looks it up is told that there is none.

    Args:
        path: Its SQLite file, made when it is not there; ``:memory:`` for one process.
        seed: What decides which calls go wrong.
        clock: Its clock; the machine's own by default.
        decline: Whether amounts decide about declines (see `BY_AMOUNT`).
        faults: How often calls and webhooks go wrong.
        capabilities: What it declares and enforces.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        seed: int = 0,
        clock: Callable[[], datetime] | None = None,
        decline: bool = True,
        faults: Faults = NO_FAULTS,
        capabilities: Capabilities | None = None,
    ) -> None:
        self._file = MemoryFile() if path == ":memory:" else SqlFile(path)
        self._clock = clock or _system_clock
        self._chance = Chance(seed, faults)
        self._next: Fate | None = None
        self._by_amount = decline
        self._capabilities = capabilities or Capabilities()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def authorise(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def capture(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def void(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def refund(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def increase(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def extend(self, call: PaymentCall) -> Answer:
        return self._call(call)

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        with self._desk() as desk:
            nth = desk.books.log(call.key, "ask", desk.now)
            fate = self._fate(f"look up {call.key}", nth)
            found = desk.remembered(call.key)
        if fate is Fate.ERROR:
            raise SandboxDownError
        if not self._capabilities.look_up:
            return Unknown(reason="cannot be asked")
        if fate in _WITHOUT_ANSWER:
            return Unknown(reason="timeout")
        return NotFound() if found is None else found.answer(desk.now)

    def _call(self, call: PaymentCall) -> Answer:
        ask = Ask.of(call)
        with self._desk() as desk:
            found = desk.remembered(call.key)
            reused = found is not None and found.body != ask.body
            wrong = _wrong(desk, ask, reused=reused)
            nth = desk.books.log(call.key, "call", desk.now, wrong=wrong)
            fate = self._fate(call.key, nth)
            if not reused and found is None:
                found = desk.receive(ask, fate)
            if fate is Fate.KEPT_ERROR:
                desk.books.log(call.key, _KEPT, desk.now)
            fails = fate is Fate.ERROR or desk.books.logged(call.key, _KEPT) > 0
        if reused:
            return Declined(kind=DeclineKind.CONFIGURATION, code="key_reused")
        if fails:
            raise SandboxDownError
        if found is None or fate in _WITHOUT_ANSWER:
            return Unknown(reason="timeout")
        answer = found.answer(desk.now)
        return _bent(answer) if fate is Fate.WRONG_AMOUNT else answer

    def _fate(self, key: str, nth: int) -> Fate:
        fate, self._next = self._next, None
        return fate or self._chance.fate(key, nth)

    def meet(self, fate: Fate) -> None:
        """Let the next call or question meet this fate, whatever chance says."""
        self._next = fate

    @contextmanager
    def _desk(self) -> Generator[Desk]:
        """The books, in one transaction, after all that has arrived by now was worked off."""
        with self._file.work() as books:
            desk = Desk(
                now=self._clock(),
                books=books,
                chance=self._chance,
                capabilities=self._capabilities,
                by_amount=self._by_amount,
            )
            desk.catch_up()
            yield desk

    # --- what it tells --------------------------------------------------------------------------

    def webhooks(self, now: datetime | None = None) -> Iterator[Delivery]:
        """
        What it wants to tell by *now*, its own clock's time by default.

        A message counts as delivered when the next one is asked for: a receiver that dies while it
        works on one gets it again.
        """
        while due := self._due(now):
            for seq, delivery in due:
                if delivery is not None:
                    yield delivery
                with self._desk() as desk:
                    desk.webhooks.sent(seq)

    def _due(self, now: datetime | None) -> tuple[tuple[int, Delivery | None], ...]:
        with self._desk() as desk:
            return desk.webhooks.due(desk.now if now is None else now)

    # --- what really happened -------------------------------------------------------------------

    def ledger(self, order: OrderId | None = None) -> tuple[LedgerEntry, ...]:
        """Every operation in its books, or those of one order, in the order in which they came."""
        with self._desk() as desk:
            return tuple(_row(entry, desk.now) for entry in desk.books.entries(order))

    def totals(self, currency: Currency, *, order: OrderId | None = None) -> SandboxTotals:
        """What its books add up to in one currency, over all orders or for one."""
        with self._desk() as desk:
            return totals(desk, currency, order)

    def authorised(self, order: OrderId) -> Money:
        """
        All that was ever set aside for an order.

        Raises:
            UnknownToSandboxError: It never heard of the order.
        """
        return self._of(order).authorised

    def captured(self, order: OrderId) -> Money:
        """All that was taken for an order, whatever was given back since."""
        return self._of(order).captured

    def refunded(self, order: OrderId) -> Money:
        """All that was given back of an order."""
        return self._of(order).refunded

    def _of(self, order: OrderId) -> SandboxTotals:
        with self._desk() as desk:
            found = desk.books.entries(order)
            if not found:
                raise UnknownToSandboxError(order)
            return totals(desk, found[0].amount.currency, order)

    def violations(self) -> tuple[Violation, ...]:
        """All that must never happen, found anew from the single rows and calls."""
        with self._desk() as desk:
            return tuple(violations(desk))

    def save(self) -> MemoryBooks:
        """
        Its books as they stand, to go back to.

        Raises:
            SandboxFileError: They lie in a file.
        """
        return self._in_memory().books.copy()

    def restore(self, books: MemoryBooks) -> None:
        """
        Go back to books that were saved.

        Raises:
            SandboxFileError: They lie in a file.
        """
        self._in_memory().books = books.copy()
        self._next = None

    def _in_memory(self) -> MemoryFile:
        if isinstance(self._file, MemoryFile):
            return self._file
        raise SandboxFileError("only books in memory can be saved and restored")

    def close(self) -> None:
        """Give its file back."""
        self._file.close()


def _wrong(desk: Desk, ask: Ask, *, reused: bool) -> str:
    """What is wrong with a call, whatever became of it."""
    if reused:
        return "key_reused"
    late = desk.now - ask.not_after
    if late > CLOCK_SKEW:
        return f"sent_too_late by {late}"
    ended = desk.ended(ask)
    if ended is not None and desk.now - ended > CLOCK_SKEW:
        return f"sent_too_late by {desk.now - ended}: the authorisation had ended"
    return ""


def _bent(answer: Answer) -> Answer:
    """The answer with another amount in it."""
    if isinstance(answer, Succeeded | PartiallyApproved):
        return evolve(answer, amount=answer.amount + answer.amount)
    return answer


def _row(entry: Entry, now: datetime) -> LedgerEntry:
    return LedgerEntry(
        key=entry.key,
        order=entry.order,
        operation=entry.operation,
        tender=entry.tender,
        asked=entry.asked,
        amount=entry.amount,
        reference=entry.reference,
        target=entry.target,
        at=entry.at,
        state=entry.state(now),
        code=entry.code,
    )
