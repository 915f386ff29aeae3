"""
Operations on stock that belong to no order: receive, count, transfer, hold for a cart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from ordercore.errors import ConflictError
from ordercore.facts import Event
from ordercore.ids import Actor, CommitId, Key, StreamId
from ordercore.inventory.commands import HoldStock, RenewHold
from ordercore.inventory.decide import (
    StockBasis,
    decide_stock,
    evolve_hold,
    wake_hold,
)
from ordercore.inventory.model import Counters, Hold, OutOfStockError, StockPlace
from ordercore.inventory.sourcing import InOrder, Strategy
from ordercore.ports.unit_of_work import (
    ChangeSet,
    Committed,
    KeyReusedError,
    StreamChange,
    StreamKind,
)
from ordercore.returns.commands import ReceiveUnmatchedReturn
from ordercore.returns.decide import decide_unmatched
from ordercore.service.cart import read_hold
from ordercore.service.effects import (
    FindKey,
    NewId,
    Now,
    ReadAllocations,
    ReadCounters,
    Sleep,
    written,
)
from ordercore.service.intentions import StockOperation, marked
from ordercore.service.settings import Settings

__all__ = ["StockEngine", "StockReceipt"]


@frozen(kw_only=True)
class StockReceipt:
    """
    The answer to an operation on stock: its facts, its stream, and the orders that it woke.

    Woken orders are due now; the next `run_due` serves them.
    """

    stream: StreamId
    events: tuple[Event, ...]
    woken: tuple[StreamId, ...] = ()
    replayed: bool = False


@frozen(kw_only=True)
class StockEngine:
    """Serves operations on stock; each one is a stream of facts of its own."""

    strategy: Strategy = field(factory=InOrder)
    settings: Settings = Settings()

    async def execute(
        self,
        command: StockOperation,
        *,
        by: Actor,
        key: Key | None = None,
        stream: StreamId | None = None,
        reason: str = "",
    ) -> StockReceipt:
        """Serve one operation; *stream* names the hold it is about, if it is about one."""
        mark = marked(command, stream)
        if key is not None:
            known = await FindKey(key)
            if known is not None:
                if known.fingerprint != mark:
                    raise KeyReusedError(key)
                found = next(iter(known.versions))
                return StockReceipt(stream=found, events=known.events[found], replayed=True)
        target = command.hold if isinstance(command, HoldStock) else stream
        if target is None:
            target = StreamId(f"stock-{await NewId()}")
        return await self._write(command, target, by=by, key=key, mark=mark, reason=reason)

    async def _write(
        self,
        command: StockOperation,
        stream: StreamId,
        *,
        by: Actor,
        key: Key | None,
        mark: str,
        reason: str,
    ) -> StockReceipt:
        attempt = 0
        while True:
            hold, version, wakes = await read_hold(stream)
            now = await Now()
            basis = await self._basis(command, stream, hold)
            events = _decided(hold, command, now, basis)
            if not events:
                if version:
                    await Sleep(stream, version, wakes, _due_at(hold, ()))
                return StockReceipt(stream=stream, events=())
            change = StreamChange(
                stream=stream,
                kind=StreamKind.INVENTORY,
                expected_version=version,
                events=events,
                counts=True,
                due_at=_due_at(hold, events),
                seen_wakes=wakes,
            )
            changes = ChangeSet(
                commit=CommitId(await NewId()),
                key=key,
                fingerprint=mark,
                by=by,
                occurred_at=min(events[0].at, now),
                reason=reason,
                streams=(change,),
            )
            try:
                committed = await written(changes)
            except (ConflictError, OutOfStockError):
                attempt += 1
                if attempt > self.settings.conflicts:
                    raise
                continue
            return _receipt(committed, changes)

    async def _basis(
        self, command: StockOperation, stream: StreamId, hold: Hold | None
    ) -> StockBasis:
        wanted = command.lines if isinstance(command, HoldStock) else ()
        if isinstance(command, RenewHold) and hold is not None:
            wanted = hold.wanted
        items = tuple(dict.fromkeys(line.item for line in wanted))
        counters: Mapping[StockPlace, Counters] = {}
        if items:
            counters = await ReadCounters(items)
        held = await ReadAllocations(stream) if hold is not None else None
        return StockBasis(counters=counters, held=held, strategy=self.strategy)


def _due_at(hold: Hold | None, events: Iterable[Event]) -> datetime | None:
    for event in events:
        hold = evolve_hold(hold, event)
    return wake_hold(hold)


def _decided(
    hold: Hold | None, command: StockOperation, now: datetime, basis: StockBasis
) -> tuple[Event, ...]:
    if isinstance(command, ReceiveUnmatchedReturn):
        return decide_unmatched(command, now)
    return decide_stock(hold, command, now, basis=basis)


def _receipt(committed: Committed, changes: ChangeSet) -> StockReceipt:
    found = next(iter(committed.versions))
    return StockReceipt(
        stream=found,
        events=committed.events[found],
        woken=committed.woken,
        replayed=committed.commit != changes.commit,
    )
