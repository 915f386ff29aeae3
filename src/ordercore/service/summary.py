"""The columns that hosts query, derived from an order."""

from __future__ import annotations

from ordercore.order.model import Order
from ordercore.order.status import statuses
from ordercore.ports.unit_of_work import OrderSummary

__all__ = ["summary_of"]


def summary_of(order: Order) -> OrderSummary:
    """What a list of orders shows of this one."""
    axes = statuses(order)
    external = next((f"{system}:{value}" for system, value in order.references), None)
    return OrderSummary(
        status=axes.order,
        payment=axes.payment,
        fulfilment=axes.fulfilment,
        returned=axes.returned,
        currency=order.priced.currency.code,
        total_minor=order.priced.total.minor,
        placed_at=order.placed_at,
        number=order.number,
        customer=order.customer.party if order.customer is not None else None,
        external=external,
    )
