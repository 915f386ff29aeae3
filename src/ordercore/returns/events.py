"""
What happened to goods on their way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from ordercore.facts import Event
from ordercore.ids import LocationId, ReturnId, StreamId
from ordercore.inventory.model import MoveKind, MovesStock, StockMove
from ordercore.returns.model import (
    Disposition,
    InspectedItem,
    ReceivedItem,
    ReturnItem,
    ReturnPurpose,
    UnmatchedItem,
)

__all__ = [
    "ReturnApproved",
    "ReturnClosed",
    "ReturnInspected",
    "ReturnLabelled",
    "ReturnMoved",
    "ReturnReceived",
    "ReturnRejected",
    "ReturnRequested",
    "UnmatchedReturnReceived",
]


_STEPS: Final[Mapping[tuple[Disposition | None, Disposition], tuple[MoveKind, ...]]] = {
    (None, Disposition.RESTOCK): (MoveKind.RESTOCK,),
    (None, Disposition.SCRAP): (MoveKind.WRITE_OFF,),
    (Disposition.REFURBISH, Disposition.RESTOCK): (MoveKind.RESTOCK,),
    (Disposition.REFURBISH, Disposition.SCRAP): (MoveKind.WRITE_OFF,),
    (Disposition.VENDOR, Disposition.RESTOCK): (MoveKind.RESTOCK,),
    (Disposition.VENDOR, Disposition.SCRAP): (MoveKind.WRITE_OFF,),
    (Disposition.RESTOCK, Disposition.REFURBISH): (MoveKind.DAMAGE,),
    (Disposition.RESTOCK, Disposition.VENDOR): (MoveKind.DAMAGE,),
    (Disposition.RESTOCK, Disposition.SCRAP): (MoveKind.DAMAGE, MoveKind.WRITE_OFF),
}
"""
What a change of disposition does to stock. Units that came back are unavailable until restocked;
what is not listed moves nothing.
"""


@frozen(kw_only=True)
class ReturnRequested(Event):
    """Somebody announced goods that come back."""

    return_id: ReturnId
    items: tuple[ReturnItem, ...]
    purpose: ReturnPurpose = ReturnPurpose.RETURN
    expects_goods: bool = True
    granted_by: str = ""
    grant_reason: str = ""


@frozen(kw_only=True)
class ReturnApproved(Event):
    """The shop agreed."""

    return_id: ReturnId


@frozen(kw_only=True)
class ReturnRejected(Event):
    """The shop refused; the slots may be announced again."""

    return_id: ReturnId
    reason: str


@frozen(kw_only=True)
class ReturnLabelled(Event):
    """The customer got a label."""

    return_id: ReturnId
    carrier: str = ""
    tracking_number: str | None = None
    label: str = ""


@frozen(kw_only=True)
class ReturnMoved(Event):
    """The goods are on their way back."""

    return_id: ReturnId
    raw: str = ""


@frozen(kw_only=True)
class ReturnReceived(MovesStock, Event):
    """Goods came back into a location, unavailable until they are inspected."""

    owner: StreamId
    return_id: ReturnId
    location: LocationId
    items: tuple[ReceivedItem, ...]

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One return_in for each item that no carrier's report has booked in before."""
        return tuple(
            StockMove(
                item=item.item,
                location=self.location,
                kind=MoveKind.RETURN_IN,
                quantity=len(item.slots),
                owner=self.owner,
                line=item.line,
            )
            for item in self.items
            if item.tracked and not item.in_stock_already
        )


@frozen(kw_only=True)
class ReturnInspected(MovesStock, Event):
    """Units were graded; stock moves by what becomes of them (RULES R-4)."""

    owner: StreamId
    return_id: ReturnId
    results: tuple[InspectedItem, ...]

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """What each change of disposition does to stock; none where nothing changes."""
        return tuple(move for result in self.results for move in self._moves_of(result))

    def _moves_of(self, result: InspectedItem) -> Iterator[StockMove]:
        if result.location is None or not result.tracked:
            return
        for kind in _STEPS.get((result.before, result.disposition), ()):
            yield StockMove(
                item=result.item,
                location=result.location,
                kind=kind,
                quantity=len(result.slots),
                owner=self.owner,
                line=result.line,
                reason=result.grade.value,
            )


@frozen(kw_only=True)
class ReturnClosed(Event):
    """The return ended; goods that have not come are awaited no longer."""

    return_id: ReturnId
    reason: str = ""


@frozen(kw_only=True)
class UnmatchedReturnReceived(MovesStock, Event):
    """Goods came back that match no purchase; they belong to no order (RULES R-6)."""

    location: LocationId
    items: tuple[UnmatchedItem, ...]
    note: str = field(default="", repr=False)

    @property
    def moves(self) -> tuple[StockMove, ...]:
        """One return_in for each item."""
        return tuple(
            StockMove(
                item=item.item,
                location=self.location,
                kind=MoveKind.RETURN_IN,
                quantity=item.quantity,
            )
            for item in self.items
        )
