"""
How a change set is written: one algorithm for every store of this library.

A store opens a transaction, hands its rows to `write`, and commits; whatever `write` raises rolls
everything back. The order of the steps is the same in every commit (streams, stock, claims,
people, numbers, wakes, history), and within each step rows are taken in ascending order, so that
two commits never wait for each other in a circle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from ordercore.adapters._stock import StockRows, write_stock
from ordercore.adapters.errors import InvalidChangeSetError, UnstorableTextError
from ordercore.facts import Numbered
from ordercore.ids import CommitId, DocumentNumber, Key, Series, StreamId
from ordercore.moment import utc
from ordercore.money import checked_quantity
from ordercore.order.party import Party
from ordercore.ports.unit_of_work import (
    AlreadyClaimedError,
    ChangeSet,
    Committed,
    KeyReusedError,
    OrderSummary,
    StreamChange,
    StreamKind,
    VersionConflictError,
)

__all__ = [
    "Head",
    "Rows",
    "StreamWrite",
    "check_limit",
    "document_number",
    "earlier",
    "next_try",
    "write",
]

MOST_ROWS: Final = 1_000_000
"""The largest page that a store gives."""


@frozen(kw_only=True)
class Head:
    """Where a stream stands, as far as a commit must know."""

    kind: StreamKind
    version: int
    recorded_at: datetime


@frozen(kw_only=True)
class StreamWrite:
    """What happens to one stream's row: a change, and whether this commit wakes it as well."""

    change: StreamChange
    summary: OrderSummary | None
    is_new: bool
    recorded_at: datetime
    woken: bool

    @property
    def version(self) -> int:
        """The version after the change."""
        return self.change.expected_version + len(self.change.events)


class Rows(StockRows, ABC):
    """The rows of one open transaction."""

    @abstractmethod
    def is_known(self, commit: CommitId, key: Key | None) -> bool:
        """Whether there is a commit with this id or this key."""

    @abstractmethod
    def find(self, *, commit: CommitId | None = None, key: Key | None = None) -> Committed | None:
        """The commit with this id or key."""

    @abstractmethod
    def head(self, stream: StreamId) -> Head | None:
        """Where a stream stands; nobody else changes it until the transaction ends."""

    @abstractmethod
    def claim(self, scope: str, value: str, owner: StreamId) -> StreamId:
        """Take a claim if it is free; answers who holds it now."""

    @abstractmethod
    def add_party(self, party: Party) -> bool:
        """Store one version of a party; answers false when another one stands there."""

    @abstractmethod
    def take_numbers(self, series: Series, count: int) -> int:
        """Take the next *count* whole numbers of a series, without a gap; answers the first."""

    @abstractmethod
    def finish(
        self, writes: tuple[StreamWrite, ...], wakes: Iterable[StreamId], now: datetime
    ) -> tuple[StreamId, ...]:
        """
        Write the streams' rows and wake others; answers which of *wakes* there are, sorted.

        A stream that was woken since its change looked (``seen_wakes``), or is woken by this
        commit, becomes due *now*.
        """

    @abstractmethod
    def record(self, committed: Committed) -> None:
        """Write the history, the answer for repeats and what is to be published."""


def document_number(series: Series, count: int) -> DocumentNumber:
    """
    The text of a number: its series and at least six digits.

    >>> document_number(Series("INV-2026"), 7)
    'INV-2026-000007'
    """
    return DocumentNumber(f"{series}-{count:06d}")


def write(rows: Rows, changes: ChangeSet, now: datetime) -> Committed:
    """
    Write all of *changes* into the open transaction, or raise.

    Raises:
        VersionConflictError, OutOfStockError, AlreadyClaimedError, KeyReusedError: As
            `UnitOfWork.commit` says; the caller rolls back.
        InvalidChangeSetError: The change set contradicts itself.
    """
    repeated = earlier(rows, changes)
    if repeated is not None:
        return repeated
    _check(changes)
    heads = _heads(rows, changes)
    recorded_at = max(now, *(head.recorded_at for head in heads.values())) if heads else now
    owners = write_stock(rows, changes, recorded_at)
    _claim(rows, changes)
    _add_parties(rows, changes)
    done = changes.numbered(_numbers(rows, changes.series))
    writes = tuple(
        StreamWrite(
            change=change,
            summary=_summary(change),
            is_new=change.stream not in heads,
            recorded_at=recorded_at,
            woken=change.stream in owners or change.stream in changes.wakes,
        )
        for change in done.streams
    )
    own = {change.stream for change in done.streams}
    woken = rows.finish(writes, sorted({*owners, *changes.wakes} - own), now)
    committed = _committed(done, recorded_at, woken)
    rows.record(committed)
    return committed


def earlier(rows: Rows, changes: ChangeSet) -> Committed | None:
    """
    The commit that these changes repeat.

    Raises:
        KeyReusedError: The id or key belongs to another command.
    """
    if not rows.is_known(changes.commit, changes.key):
        return None
    found = rows.find(commit=changes.commit)
    if found is not None and found.key != changes.key:
        raise KeyReusedError(changes.key or Key(changes.commit))
    if found is None and changes.key is not None:
        found = rows.find(key=changes.key)
    if found is not None and found.fingerprint != changes.fingerprint:
        raise KeyReusedError(changes.key or Key(changes.commit))
    return found


def _check(changes: ChangeSet) -> None:
    _check_text(changes)
    utc(changes.occurred_at)
    streams = [change.stream for change in changes.streams]
    if len(set(streams)) < len(streams):
        raise InvalidChangeSetError("a stream is in it twice")
    if changes.claims and not streams:
        raise InvalidChangeSetError("its claims have no owner, since it has no stream")
    for change in changes.streams:
        if type(change.expected_version) is not int or change.expected_version < 0:
            raise InvalidChangeSetError("an expected version is no count")
        if change.due_at is not None:
            utc(change.due_at)


def _check_text(changes: ChangeSet) -> None:
    """Databases refuse half a character and NUL; so does every store, before it writes."""
    texts = [changes.commit, changes.key or "", changes.fingerprint, changes.by, changes.reason]
    texts += [change.stream for change in changes.streams]
    texts += [text for claim in changes.claims for text in (claim.scope, claim.value)]
    texts += [(change.summary and change.summary.external) or "" for change in changes.streams]
    try:
        joined = "".join(texts)
        joined.encode()
    except (UnicodeEncodeError, TypeError) as error:
        raise UnstorableTextError from error
    if "\0" in joined:
        raise UnstorableTextError


def _heads(rows: Rows, changes: ChangeSet) -> Mapping[StreamId, Head]:
    """Where the streams stand, each at its expected version; new ones are left out."""
    heads: dict[StreamId, Head] = {}
    for change in sorted(changes.streams, key=lambda change: change.stream):
        head = rows.head(change.stream)
        actual = head.version if head is not None else 0
        if actual != change.expected_version:
            raise VersionConflictError(change.stream, change.expected_version, actual)
        if head is not None:
            if head.kind is not change.kind:
                raise InvalidChangeSetError(f"{change.stream} is a stream of another kind")
            heads[change.stream] = head
    return heads


def _claim(rows: Rows, changes: ChangeSet) -> None:
    for claim in sorted(changes.claims, key=lambda claim: (claim.scope, claim.value)):
        owner = changes.streams[0].stream
        if rows.claim(claim.scope, claim.value, owner) != owner:
            raise AlreadyClaimedError(claim.scope, claim.value)


def _add_parties(rows: Rows, changes: ChangeSet) -> None:
    for party in sorted(changes.parties, key=lambda party: (party.id, party.version)):
        if not rows.add_party(party):
            raise VersionConflictError(StreamId(party.id), party.version - 1, party.version)


def _numbers(rows: Rows, wanted: tuple[Series, ...]) -> tuple[DocumentNumber, ...]:
    """A number for each place, series after series in ascending order."""
    next_one = {
        one: rows.take_numbers(one, count) for one, count in sorted(Counter(wanted).items())
    }
    numbers: list[DocumentNumber] = []
    for one in wanted:
        numbers.append(document_number(one, next_one[one]))
        next_one[one] += 1
    return tuple(numbers)


def _summary(change: StreamChange) -> OrderSummary | None:
    """The summary; a new order's shows the number that its first fact just took."""
    first = change.events[0] if change.events and change.expected_version == 0 else None
    if change.summary is None or not isinstance(first, Numbered):
        return change.summary
    return evolve(change.summary, number=first.number)


def _committed(changes: ChangeSet, recorded_at: datetime, woken: tuple[StreamId, ...]) -> Committed:
    return Committed(
        commit=changes.commit,
        key=changes.key,
        fingerprint=changes.fingerprint,
        by=changes.by,
        reason=changes.reason,
        occurred_at=changes.occurred_at,
        recorded_at=recorded_at,
        events={change.stream: change.events for change in changes.streams},
        versions={
            change.stream: change.expected_version + len(change.events)
            for change in changes.streams
        },
        woken=woken,
    )


def check_limit(limit: int) -> int:
    """
    A page size.

    Raises:
        InvalidQuantityError: No int, or below zero.
    """
    return checked_quantity(limit, "limit", least=0, most=MOST_ROWS)


def next_try(now: datetime, attempt: int, back_off: tuple[timedelta, ...]) -> datetime | None:
    """When a stream that failed *attempt* times in a row is tried again; never without a wait."""
    if not back_off:
        return None
    return now + back_off[min(attempt, len(back_off)) - 1]
