"""
`AsyncOrderService`: the same engine over async ports, with the same methods.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from datetime import datetime
from inspect import isawaitable
from typing import TypeVar, cast

from attrs import evolve, frozen

from ordercore.errors import RefusedError
from ordercore.facts import Report, Request
from ordercore.ids import Actor, DocumentNumber, ItemId, OrderId, StreamId
from ordercore.inventory.model import Counters, StockPlace
from ordercore.inventory.sourcing import Strategy
from ordercore.order.commands import Place
from ordercore.order.groups import DeliveryGroup
from ordercore.order.model import Order
from ordercore.order.party import BuyerReferences, Destination, Party, PartyRef
from ordercore.order.possible import allowed
from ordercore.order.quote import Items, quote_refund
from ordercore.order.terms import Terms
from ordercore.payment.account import Account
from ordercore.payment.model import Tender
from ordercore.payment.store_value import StoreValueCommand
from ordercore.ports.aio import AsyncCarrierGateway, AsyncPaymentGateway, AsyncStore
from ordercore.ports.gateways import IdSource
from ordercore.ports.unit_of_work import Committed
from ordercore.pricing.model import PricedOrder
from ordercore.process.due import due
from ordercore.process.tasks import Task
from ordercore.refund.model import RefundQuote
from ordercore.service._doors import (
    NoCarrier,
    RandomIds,
    capabilities_of,
    checked_port,
    strategy_of,
)
from ordercore.service._weighed import serve
from ordercore.service.credit import CreditEngine, CreditReceipt
from ordercore.service.effects import Effect, Ports
from ordercore.service.engine import SYSTEM, Engine, Receipt, Settings
from ordercore.service.intentions import (
    PLACEHOLDER,
    StockOperation,
    actor_of,
    bound_terms,
    checked_command,
    checked_operation,
    checked_settings,
    checked_value,
    hold_of,
    intention_of,
    items_of,
    key_of,
    placing,
    reason_of,
    reference_of,
    stream_of,
)
from ordercore.service.permissions import Permissions, checked_permissions, with_approval
from ordercore.service.stock import StockEngine, StockReceipt
from ordercore.service.sync import Preview
from ordercore.service.worker import Round, Worker

__all__ = [
    "AsyncCreditService",
    "AsyncOrderService",
    "AsyncPorts",
    "AsyncStockService",
    "run_async",
]

_T = TypeVar("_T")


@frozen(kw_only=True)
class AsyncPorts:
    """The outside as one async service sees it; the same names as `Ports`."""

    store: AsyncStore
    payments: AsyncPaymentGateway
    carrier: AsyncCarrierGateway | NoCarrier
    ids: IdSource


async def run_async(work: Coroutine[Effect[object], object, _T], ports: AsyncPorts) -> _T:
    """Drive a coroutine over async ports; each effect calls the same method, which is awaited."""
    answer: object = None
    error: Exception | None = None
    twin = cast("Ports", ports)
    while True:
        try:
            effect = work.send(answer) if error is None else work.throw(error)
        except StopIteration as stop:
            return cast("_T", stop.value)
        try:
            answer, error = effect.call(twin), None
            if isawaitable(answer):
                answer = await cast("Awaitable[object]", answer)
        except Exception as raised:  # noqa: BLE001  # the coroutine decides what it means
            error = raised


class AsyncStockService:
    """Operations on stock that belong to no order: ``service.stock``."""

    def __init__(self, engine: StockEngine, ports: AsyncPorts, permissions: Permissions) -> None:
        self._engine, self._ports, self._permissions = engine, ports, permissions

    async def execute(
        self,
        command: StockOperation,
        *,
        by: Actor = SYSTEM,
        key: str | None = None,
        hold: StreamId | None = None,
        reason: str = "",
    ) -> StockReceipt:
        """See `ordercore.service.sync.StockService.execute`."""
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
        return await run_async(work, self._ports)

    async def counters(self, *items: ItemId) -> Mapping[StockPlace, Counters]:
        """The counter rows of these items at all locations."""
        return await self._ports.store.counters(items_of(items))


class AsyncCreditService:
    """Accounts of store value (gift cards, store credit, points): ``service.credit``."""

    def __init__(self, engine: CreditEngine, ports: AsyncPorts, permissions: Permissions) -> None:
        self._engine, self._ports, self._permissions = engine, ports, permissions

    async def execute(
        self,
        account: str,
        command: StoreValueCommand,
        *,
        by: Actor = SYSTEM,
        approved_by: Actor | None = None,
        reason: str = "",
    ) -> CreditReceipt:
        """See `ordercore.service.sync.CreditService.execute`."""
        wanted = checked_value(command)
        if isinstance(wanted, Request):
            self._permissions.check(by, wanted, approved_by=approved_by)
        why = reason_of(with_approval(reason, approved_by))
        work = self._engine.execute(account, wanted, by=actor_of(by), reason=why)
        return await run_async(work, self._ports)

    async def account(self, account: str) -> Account:
        """An account with its lots and what payments have set aside."""
        return await run_async(self._engine.load(account), self._ports)


class AsyncOrderService:
    """Everything that a host does with orders, over async ports; see `OrderService`."""

    def __init__(
        self,
        *,
        store: AsyncStore,
        payments: AsyncPaymentGateway,
        carrier: AsyncCarrierGateway | None = None,
        ids: IdSource | None = None,
        settings: Settings | None = None,
        permissions: Permissions | None = None,
        sourcing: Strategy | None = None,
    ) -> None:
        self._ports = AsyncPorts(
            store=checked_port(store, "store", "AsyncStore", "commit"),
            payments=checked_port(payments, "payments", "AsyncPaymentGateway", "capabilities"),
            carrier=checked_port(carrier or NoCarrier(), "carrier", "AsyncCarrierGateway", "book"),
            ids=checked_port(ids or RandomIds(), "ids", "IdSource", "new_id"),
        )
        settings = checked_settings(settings, capabilities_of(payments))
        self._engine = Engine(settings=settings)
        self._permissions = checked_permissions(permissions)
        stock = StockEngine(strategy=strategy_of(sourcing), settings=settings)
        credit = CreditEngine(settings=settings)
        self._worker = Worker(engine=self._engine, stock=stock, credit=credit)
        self.stock = AsyncStockService(stock, self._ports, self._permissions)
        self.credit = AsyncCreditService(credit, self._ports, self._permissions)

    async def place(
        self,
        priced: PricedOrder,
        *,
        key: str,
        by: Actor,
        order: OrderId | None = None,
        terms: Terms | None = None,
        tenders: tuple[Tender, ...] = (),
        customer: PartyRef | None = None,
        destination: Destination | None = None,
        channel: str = "",
        origin: str = "",
        buyer: BuyerReferences | None = None,
        number: DocumentNumber | None = None,
        references: tuple[tuple[str, str], ...] = (),
        coupons: tuple[str, ...] = (),
        parties: tuple[Party, ...] = (),
        groups: tuple[DeliveryGroup, ...] = (),
        hold: StreamId | None = None,
        approved_by: Actor | None = None,
    ) -> Receipt:
        """See `ordercore.service.sync.OrderService.place`."""
        command = Place(
            order=order or PLACEHOLDER,
            priced=priced,
            terms=bound_terms(terms, capabilities_of(self._ports.payments)),
            tenders=tenders,
            customer=customer,
            destination=destination,
            channel=channel,
            origin=origin,
            buyer=buyer,
            number=number,
            references=references,
            coupons=coupons,
            parties=parties,
            groups=groups,
            hold=hold,
        )
        named = command if order else evolve(command, order=OrderId(self._ports.ids.new_id()))
        work = serve(
            self._engine,
            self._permissions,
            StreamId(named.order),
            named,
            intention=placing(command, key=key, by=by, reason=with_approval("", approved_by)),
            approved_by=approved_by,
        )
        return await run_async(work, self._ports)

    async def execute(
        self,
        order: OrderId,
        command: Request | Report,
        *,
        key: str | None = None,
        by: Actor = SYSTEM,
        expected_version: int | None = None,
        approved_by: Actor | None = None,
        reason: str = "",
    ) -> Receipt:
        """See `ordercore.service.sync.OrderService.execute`."""
        stream = stream_of(order)
        reason = with_approval(reason, approved_by)
        intention = intention_of(
            command, key=key, by=by, order=stream, expected=expected_version, reason=reason
        )
        work = serve(
            self._engine,
            self._permissions,
            stream,
            command,
            intention=intention,
            approved_by=approved_by,
        )
        return await run_async(work, self._ports)

    async def allowed(
        self, order: OrderId, *, by: Actor = SYSTEM
    ) -> Mapping[type[Request], RefusedError | None]:
        """Per kind of request, why it would be refused now to this actor; None where not."""
        found = await self.load(order)
        return self._permissions.narrowed(allowed(found, await self.now()), by)

    async def preview(self, order: OrderId, command: Request | Report) -> Preview:
        """The same decision, nothing written: the new state and the facts."""
        work = self._engine.preview(stream_of(order), checked_command(command))
        after, events = await run_async(work, self._ports)
        return Preview(order=after, events=events)

    async def load(self, order: OrderId) -> Order:
        """The order as it stands."""
        return await run_async(self._engine.load(stream_of(order)), self._ports)

    async def advance(self, order: OrderId) -> Order:
        """Do all that the order owes now; what a worker calls."""
        return await run_async(self._engine.advance(stream_of(order)), self._ports)

    async def run_due(self, *, limit: int = 100) -> Round:
        """Serve up to *limit* due orders and holds; one that fails never blocks the others."""
        return await run_async(self._worker.run_due(limit), self._ports)

    async def due(self, order: OrderId) -> tuple[Task, ...]:
        """What the order owes now; nothing is done."""
        return due(await self.load(order), await self._ports.store.now())

    async def quote_refund(self, order: OrderId, items: Items) -> RefundQuote:
        """What crediting these items would do; carry it out with ``Refund(quote=…)``."""
        return quote_refund(await self.load(order), items, await self._ports.store.now())

    def history(self, order: OrderId) -> AsyncIterator[Committed]:
        """All commits of an order with actor, both times, reason and facts; oldest first."""
        return self._ports.store.history(stream_of(order))

    async def find(self, system: str, value: str) -> OrderId | None:
        """The order that another system calls so."""
        found = await self._ports.store.find_claim(*reference_of(system, value))
        return None if found is None else OrderId(found)

    async def now(self) -> datetime:
        """The store's clock."""
        return await self._ports.store.now()
