"""
The worker: takes what is due, keeps poison out of the way, and lets the rest go on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import field, frozen

from ordercore.errors import ConflictError, OrderCoreError
from ordercore.ids import StreamId
from ordercore.inventory.commands import ReportHoldExpiry
from ordercore.money import checked_quantity
from ordercore.ports.unit_of_work import StreamKind
from ordercore.service.credit import CreditEngine
from ordercore.service.effects import Load, Now, RecordFailure, TakeDue, where
from ordercore.service.engine import SYSTEM, Engine
from ordercore.service.stock import StockEngine

__all__ = ["BACK_OFF", "Round", "Worker"]

BACK_OFF: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""How long a stream that failed is left alone: the n-th time in a row, then the last for ever."""


@frozen(kw_only=True)
class Round:
    """What one round of work did: the streams served, and those that failed with their error."""

    served: tuple[StreamId, ...] = ()
    failed: tuple[tuple[StreamId, str], ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether nothing was due."""
        return not self.served and not self.failed


@frozen(kw_only=True)
class Worker:
    """Serves due streams one after the other; any number of workers may run at once."""

    engine: Engine
    stock: StockEngine
    credit: CreditEngine = field(factory=CreditEngine)
    back_off: tuple[timedelta, ...] = field(default=BACK_OFF)

    async def run_due(self, limit: int) -> Round:
        """
        Take up to *limit* due streams and advance each; one that fails never blocks the rest.

        They are taken one by one, so that each has the whole lease for its own calls.

        Raises:
            InvalidQuantityError: The limit is no whole number from 1 on.
        """
        checked_quantity(limit, "limit")
        served: list[StreamId] = []
        failed: list[tuple[StreamId, str]] = []
        for _ in range(limit):
            taken = await TakeDue(1, self.engine.settings.lease)
            if not taken:
                break
            (stream,) = taken
            try:
                await self._serve(stream)
                served.append(stream)
            except ConflictError:
                served.append(stream)  # somebody else is at work on it: its lease brings it back
            except Exception as error:  # noqa: BLE001  # poison of any kind: the others go on
                name = error.code if isinstance(error, OrderCoreError) else where(error)
                failed.append((stream, name))
                await RecordFailure(stream, name, self.back_off)
        return Round(served=tuple(served), failed=tuple(failed))

    async def _serve(self, stream: StreamId) -> None:
        stored = await Load(stream)
        match stored.kind:
            case StreamKind.ORDER:
                await self.engine.advance(stream)
            case StreamKind.INVENTORY:
                await self.stock.execute(ReportHoldExpiry(at=await Now()), by=SYSTEM, stream=stream)
            case StreamKind.CREDIT:
                await self.credit.lapse(stream, by=SYSTEM)
