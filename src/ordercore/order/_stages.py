"""
What a stage of the host does to stock and work when the order enters it.
"""

from __future__ import annotations

from datetime import datetime

from ordercore.facts import Event
from ordercore.fulfilment.planning import withdrawn, work_begun
from ordercore.order.model import Order
from ordercore.order.refusals import UnknownStageError
from ordercore.order.terms import Stage

__all__ = ["work_withdrawn"]


def work_withdrawn(order: Order, stage: Stage | None, now: datetime) -> tuple[Event, ...]:
    """
    The work that ends before *stage* gives the stock back: what nobody has begun.

    Raises:
        UnknownStageError: A location works with that stock.

    Source:
        RULES F-1, I-4.
    """
    if stage is None or stage.holds_stock:
        return ()
    work = work_begun(order.fulfilment)
    if work is not None:
        problem = f"it gives the stock back, and {work.id} is with its location"
        raise UnknownStageError(stage.name, problem)
    return withdrawn(order.fulfilment, now)
