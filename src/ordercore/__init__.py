"""
An order-management core to import: an order is a list of facts.

`decide` says which facts a command may add, `evolve` folds facts into state, `due` says what the
order still owes the outside world, and everything else is storage and transport. The names below
are the face; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ordercore.adapters.memory import MemoryStore
    from ordercore.adapters.sqlite import SqliteStore
    from ordercore.errors import (
        BrokenContractError,
        ConflictError,
        InvalidValueError,
        NotFoundError,
        OrderCoreError,
        RefusedError,
        UnavailableError,
    )
    from ordercore.facts import Event, Report, Request
    from ordercore.ids import Actor, ItemId, LineId, LocationId, OrderId, Sku, TenderId
    from ordercore.inventory.sourcing import Strategy
    from ordercore.money import Currency, Money, Rounding, apportion, share
    from ordercore.order.balance import Balance, balance
    from ordercore.order.commands import Cancel, CancelUnits, Place, Refund
    from ordercore.order.decide import decide, evolve, replay
    from ordercore.order.model import Order
    from ordercore.order.party import Address, Destination, Party
    from ordercore.order.possible import allowed
    from ordercore.order.quote import quote_refund
    from ordercore.order.status import OrderStatus, statuses
    from ordercore.order.terms import Terms
    from ordercore.payment.model import Tender, TenderKind
    from ordercore.ports.gateways import CarrierGateway, PaymentGateway
    from ordercore.ports.repositories import Store
    from ordercore.pricing.draft import Charge, Draft, DraftLine
    from ordercore.pricing.explain import explain
    from ordercore.pricing.model import PricedOrder, Tax
    from ordercore.pricing.totals import price
    from ordercore.process.due import due, wake_at
    from ordercore.service.aio import AsyncOrderService
    from ordercore.service.sync import OrderService

# Where each name lives, by group.
_VALUES = {
    "Address": "order.party",
    "Charge": "pricing.draft",
    "Currency": "money",
    "Destination": "order.party",
    "Draft": "pricing.draft",
    "DraftLine": "pricing.draft",
    "Money": "money",
    "Party": "order.party",
    "PricedOrder": "pricing.model",
    "Rounding": "money",
    "Tax": "pricing.model",
    "Tender": "payment.model",
    "TenderKind": "payment.model",
    "Terms": "order.terms",
}
_IDS = {
    "Actor": "ids",
    "ItemId": "ids",
    "LineId": "ids",
    "LocationId": "ids",
    "OrderId": "ids",
    "Sku": "ids",
    "TenderId": "ids",
}
_MESSAGES = {
    "Cancel": "order.commands",
    "CancelUnits": "order.commands",
    "Event": "facts",
    "Place": "order.commands",
    "Refund": "order.commands",
    "Report": "facts",
    "Request": "facts",
}
_FUNCTIONS = {
    "allowed": "order.possible",
    "apportion": "money",
    "balance": "order.balance",
    "decide": "order.decide",
    "due": "process.due",
    "evolve": "order.decide",
    "explain": "pricing.explain",
    "price": "pricing.totals",
    "quote_refund": "order.quote",
    "replay": "order.decide",
    "share": "money",
    "statuses": "order.status",
    "wake_at": "process.due",
}
_STATES = {
    "Balance": "order.balance",
    "Order": "order.model",
    "OrderStatus": "order.status",
}
_SERVICES = {
    "AsyncOrderService": "service.aio",
    "CarrierGateway": "ports.gateways",
    "MemoryStore": "adapters.memory",
    "OrderService": "service.sync",
    "PaymentGateway": "ports.gateways",
    "SqliteStore": "adapters.sqlite",
    "Store": "ports.repositories",
    "Strategy": "inventory.sourcing",
}
_ERRORS = {
    "BrokenContractError": "errors",
    "ConflictError": "errors",
    "InvalidValueError": "errors",
    "NotFoundError": "errors",
    "OrderCoreError": "errors",
    "RefusedError": "errors",
    "UnavailableError": "errors",
}
_HOMES = _VALUES | _IDS | _MESSAGES | _FUNCTIONS | _STATES | _SERVICES | _ERRORS

__all__ = [
    "Actor",
    "Address",
    "AsyncOrderService",
    "Balance",
    "BrokenContractError",
    "Cancel",
    "CancelUnits",
    "CarrierGateway",
    "Charge",
    "ConflictError",
    "Currency",
    "Destination",
    "Draft",
    "DraftLine",
    "Event",
    "InvalidValueError",
    "ItemId",
    "LineId",
    "LocationId",
    "MemoryStore",
    "Money",
    "NotFoundError",
    "Order",
    "OrderCoreError",
    "OrderId",
    "OrderService",
    "OrderStatus",
    "Party",
    "PaymentGateway",
    "Place",
    "PricedOrder",
    "Refund",
    "RefusedError",
    "Report",
    "Request",
    "Rounding",
    "Sku",
    "SqliteStore",
    "Store",
    "Strategy",
    "Tax",
    "Tender",
    "TenderId",
    "TenderKind",
    "Terms",
    "UnavailableError",
    "allowed",
    "apportion",
    "balance",
    "decide",
    "due",
    "evolve",
    "explain",
    "price",
    "quote_refund",
    "replay",
    "share",
    "statuses",
    "wake_at",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load a name of the face from its home (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names of the face."""
    return sorted({*globals(), *__all__})
