"""
What belongs to no order, over plain ports: stock, and accounts of store value.
"""

from __future__ import annotations

from collections.abc import Mapping

from ordercore.facts import Request
from ordercore.ids import Actor, ItemId, StreamId
from ordercore.inventory.model import Counters, StockPlace
from ordercore.payment.account import Account
from ordercore.payment.store_value import StoreValueCommand
from ordercore.service._driver import run
from ordercore.service.credit import CreditEngine, CreditReceipt
from ordercore.service.effects import Ports
from ordercore.service.engine import SYSTEM
from ordercore.service.intentions import (
    StockOperation,
    actor_of,
    checked_operation,
    checked_value,
    hold_of,
    items_of,
    key_of,
    reason_of,
)
from ordercore.service.permissions import Permissions, with_approval
from ordercore.service.stock import StockEngine, StockReceipt

__all__ = ["CreditService", "StockService"]


class StockService:
    """Operations on stock that belong to no order: ``service.stock``."""

    def __init__(self, engine: StockEngine, ports: Ports, permissions: Permissions) -> None:
        self._engine, self._ports, self._permissions = engine, ports, permissions

    def execute(
        self,
        command: StockOperation,
        *,
        by: Actor = SYSTEM,
        key: str | None = None,
        hold: StreamId | None = None,
        reason: str = "",
    ) -> StockReceipt:
        """
        Receive, count, damage, transfer, hold …; *hold* names the cart's hold it is about.

        Goods that come back and match no purchase are received here too (RULES R-6).

        Raises:
            NotPermittedError: As the permissions say.
            OutOfStockError, InvalidDeadlineError, UnknownHoldError, HoldClosedError: See
                `ordercore.inventory.decide.decide_stock`.
            KeyReusedError: The key belongs to another operation.
            UnavailableError: The store did not answer: retry with the same key.
            InvalidTextError, LimitExceededError: The reason is no text, or too long.
        """
        wanted = checked_operation(command)
        if isinstance(wanted, Request):
            self._permissions.check(by, wanted)
        work = self._engine.execute(
            wanted,
            by=actor_of(by),
            key=key_of(key),
            stream=hold_of(hold),
            reason=reason_of(reason),
        )
        return run(work, self._ports)

    def counters(self, *items: ItemId) -> Mapping[StockPlace, Counters]:
        """The counter rows of these items at all locations."""
        return self._ports.store.counters(items_of(items))


class CreditService:
    """Accounts of store value (gift cards, store credit, points): ``service.credit``."""

    def __init__(self, engine: CreditEngine, ports: Ports, permissions: Permissions) -> None:
        self._engine, self._ports, self._permissions = engine, ports, permissions

    def execute(
        self,
        account: str,
        command: StoreValueCommand,
        *,
        by: Actor = SYSTEM,
        approved_by: Actor | None = None,
        reason: str = "",
    ) -> CreditReceipt:
        """
        Issue value to an account, or move what it has; each step counts once by its own key.

        A tender pays from it with ``gateway=STORE_VALUE`` and the account as its instrument.

        Raises:
            NotPermittedError, ApprovalNeededError: As the permissions say.
            UnknownAccountError: Nothing was ever issued to it.
            HoldOfOrderError: It is about what a payment of an order has set aside.
            InsufficientValueError, UnknownValueHoldError, ValueKeyReusedError: See
                `ordercore.payment.store_value.decide_value`.
            UnavailableError: The store did not answer: retry with the same command.
            InvalidTextError, LimitExceededError: The reason is no text, or too long.
        """
        wanted = checked_value(command)
        if isinstance(wanted, Request):
            self._permissions.check(by, wanted, approved_by=approved_by)
        why = reason_of(with_approval(reason, approved_by))
        work = self._engine.execute(account, wanted, by=actor_of(by), reason=why)
        return run(work, self._ports)

    def account(self, account: str) -> Account:
        """
        An account with its lots and what payments have set aside.

        Raises:
            UnknownAccountError: There is none.
        """
        return run(self._engine.load(account), self._ports)
