"""Ids and errors as a host uses them; checked, never run."""

from __future__ import annotations

from ordercore.errors import ConflictError, InvalidValueError, NotFoundError, OrderCoreError
from ordercore.ids import LineId, OrderId, checked_id


def from_outside(text: str) -> OrderId:
    """Text becomes an id at the door, once."""
    return OrderId(checked_id(text, "order id"))


def status_of(error: OrderCoreError) -> int:
    """A host maps families, not single errors."""
    match error:
        case InvalidValueError():
            return 422
        case NotFoundError():
            return 404
        case ConflictError():
            return 409
        case _:
            return 500


def columns(order: OrderId, line: LineId) -> tuple[str, str]:
    """An id is text wherever text is wanted."""
    return order, line
