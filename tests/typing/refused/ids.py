"""Mistakes with ids; each marked line must fail the type check."""

from __future__ import annotations

from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.ids import LineId, OrderId, Sku


def cancel(order: OrderId) -> None:
    """Stand for any function that wants an order."""


cancel("4711")  # refused: arg-type
cancel(LineId("1"))  # refused: arg-type
sku: Sku = OrderId("4711")  # refused: assignment


def facts(error: OrderCoreError) -> str:
    """A family knows no facts of its own."""
    if isinstance(error, InvalidValueError):
        return str(error.currency)  # refused: attr-defined
    return error.code
