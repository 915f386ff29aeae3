"""
The books of the sandbox gateway in memory: fast, and any state of them can be kept and restored.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from datetime import datetime

from attrs import define, evolve, field

from ordercore.ids import Key, OrderId, Reference
from ordercore.money import Money
from ordercore.payment.model import DisputeStatus, Operation
from ordercore.testing._sandbox_books import Ask, Books, Entry, Planned

__all__ = ["MemoryBooks", "MemoryFile"]


@define
class MemoryBooks(Books):
    """Rows in the order in which they came; each row is frozen, so that a copy is cheap."""

    rows: list[Entry] = field(factory=list[Entry])
    disputes: dict[Reference, tuple[Reference, int, DisputeStatus]] = field(
        factory=dict[Reference, tuple[Reference, int, DisputeStatus]]
    )
    calls: Counter[tuple[Key, str]] = field(factory=Counter[tuple[Key, str]])
    wrong: list[tuple[Key, str]] = field(factory=list[tuple[Key, str]])
    late: list[tuple[datetime, Ask]] = field(factory=list[tuple[datetime, Ask]])
    to_tell: dict[int, Planned] = field(factory=dict[int, Planned])
    told: int = 0

    def copy(self) -> MemoryBooks:
        """The same books, which go their own way from here."""
        return MemoryBooks(
            rows=self.rows.copy(),
            disputes=self.disputes.copy(),
            calls=self.calls.copy(),
            wrong=self.wrong.copy(),
            late=self.late.copy(),
            to_tell=self.to_tell.copy(),
            told=self.told,
        )

    def fingerprint(self) -> Hashable:
        """Equal for books that answer and tell the same from here on, where chance has no part."""
        return (
            tuple(self.rows),
            tuple(self.disputes.items()),
            self.kept(),
            tuple(self.wrong),
            tuple(self.late),
            tuple(self.to_tell.values()),
        )

    def kept(self) -> Hashable:
        """The keys whose calls were not like all others, and how often they were not."""
        return frozenset(row for row in self.calls.items() if row[0][1] not in {"call", "ask"})

    # --- operations -----------------------------------------------------------------------------

    def find(self, key: Key) -> Entry | None:
        return self._first(lambda row: row.key == key)

    def called(self, reference: Reference | None, operation: Operation) -> Entry | None:
        return self._first(lambda row: row.reference == reference and row.operation is operation)

    def _first(self, fits: Callable[[Entry], bool]) -> Entry | None:
        return next(filter(fits, self.rows), None)

    def entries(self, order: OrderId | None = None) -> tuple[Entry, ...]:
        return tuple(row for row in self.rows if order in {None, row.order})

    def aimed_at(self, reference: Reference) -> tuple[Entry, ...]:
        return tuple(row for row in self.rows if row.target == reference)

    def about(self, reference: Reference) -> tuple[Entry, ...]:
        return tuple(row for row in self.rows if reference in {row.reference, row.target})

    def add(self, entry: Entry) -> None:
        self.rows.append(entry)

    def undo(self, key: Key, *, fails_at: datetime | None, expires_at: datetime | None) -> None:
        self.rows = [
            evolve(row, fails_at=fails_at, expires_at=expires_at) if row.key == key else row
            for row in self.rows
        ]

    def overturn(self, key: Key, *, known_at: datetime, expires_at: datetime) -> None:
        self.rows = [
            evolve(
                row, known_at=known_at, expires_at=expires_at, kind=None, code="", retry_after=None
            )
            if row.key == key
            else row
            for row in self.rows
        ]

    def disputed(self, capture: Reference) -> int:
        known = self.disputes.values()
        return sum(
            amount
            for about, amount, status in known
            if about == capture and status is not DisputeStatus.WON
        )

    def dispute(
        self, reference: Reference, *, capture: Reference, amount: Money, status: DisputeStatus
    ) -> None:
        self.disputes[reference] = (capture, amount.minor, status)

    # --- calls ----------------------------------------------------------------------------------

    def log(self, key: Key, what: str, now: datetime, *, wrong: str = "") -> int:
        del now
        before = self.calls[key, what]
        self.calls[key, what] += 1
        if wrong:
            self.wrong.append((key, wrong))
        return before

    def logged(self, key: Key, what: str) -> int:
        return self.calls.get((key, what), 0)

    def wrong_calls(self) -> tuple[tuple[Key, str], ...]:
        return tuple(self.wrong)

    def delay(self, ask: Ask, arrives_at: datetime) -> None:
        self.late.append((arrives_at, ask))

    def arrived(self, now: datetime) -> tuple[tuple[Ask, datetime], ...]:
        if not self.late:
            return ()
        here = sorted((at, index) for index, (at, _) in enumerate(self.late) if at <= now)
        found = tuple((self.late[index][1], at) for at, index in here)
        self.late = [(at, ask) for at, ask in self.late if at > now]
        return found

    # --- webhooks -------------------------------------------------------------------------------

    def plan(self, planned: Planned) -> None:
        self.told += 1
        self.to_tell[self.told] = planned

    def planned(self, now: datetime, limit: int) -> tuple[tuple[int, Planned], ...]:
        due = [(number, one) for number, one in self.to_tell.items() if one.due_at <= now]
        due.sort(key=lambda pair: (pair[1].due_at, pair[0]))
        return tuple(due[:limit])

    def sent(self, number: int) -> None:
        self.to_tell.pop(number, None)


class MemoryFile:
    """Where the books of one process lie; one at a time works on them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.books = MemoryBooks()

    @contextmanager
    def work(self) -> Generator[Books]:
        """The books; nothing that raises has changed them before."""
        with self._lock:
            yield self.books

    def close(self) -> None:
        """Nothing to give back."""
