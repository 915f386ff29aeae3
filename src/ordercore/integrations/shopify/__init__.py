"""
Shopify: orders, drafts, fulfilments, refunds and transactions of the REST Admin API.

Each function takes the body of a response (or webhook) and returns typed values; a payload that
is not what it should be raises `PayloadError` with the path of the fault. Amounts are those in
the shop's currency, with the buyer's beside them.
"""

from __future__ import annotations

from ordercore.integrations.shopify._fulfilments import FulfilmentState, Shipment, read_fulfilments
from ordercore.integrations.shopify._orders import read_draft_orders, read_orders
from ordercore.integrations.shopify._refunds import (
    RefundAdjustment,
    RefundedLine,
    RefundNotice,
    read_refunds,
)
from ordercore.integrations.shopify._transactions import (
    Transaction,
    TransactionKind,
    TransactionStatus,
    read_transactions,
)

__all__ = [
    "FulfilmentState",
    "RefundAdjustment",
    "RefundNotice",
    "RefundedLine",
    "Shipment",
    "Transaction",
    "TransactionKind",
    "TransactionStatus",
    "read_draft_orders",
    "read_fulfilments",
    "read_orders",
    "read_refunds",
    "read_transactions",
]
