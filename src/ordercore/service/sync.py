"""
`OrderService`: the engine over plain ports, without an event loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import evolve, frozen

from ordercore.errors import RefusedError
from ordercore.facts import Event, Report, Request
from ordercore.ids import Actor, DocumentNumber, OrderId, StreamId
from ordercore.inventory.sourcing import Strategy
from ordercore.order.commands import Place
from ordercore.order.groups import DeliveryGroup
from ordercore.order.model import Order
from ordercore.order.party import BuyerReferences, Destination, Party, PartyRef
from ordercore.order.possible import allowed
from ordercore.order.quote import Items, quote_refund
from ordercore.order.terms import Terms
from ordercore.payment.model import Tender
from ordercore.ports.gateways import CarrierGateway, IdSource, PaymentGateway
from ordercore.ports.repositories import Store
from ordercore.ports.unit_of_work import Committed
from ordercore.pricing.model import PricedOrder
from ordercore.process.due import due
from ordercore.process.tasks import Task
from ordercore.refund.model import RefundQuote
from ordercore.service._beside import CreditService, StockService
from ordercore.service._doors import (
    NoCarrier,
    RandomIds,
    capabilities_of,
    checked_port,
    strategy_of,
)
from ordercore.service._driver import run
from ordercore.service._weighed import serve
from ordercore.service.credit import CreditEngine
from ordercore.service.effects import Ports
from ordercore.service.engine import SYSTEM, Engine, Receipt, Settings
from ordercore.service.intentions import (
    PLACEHOLDER,
    bound_terms,
    checked_command,
    checked_settings,
    intention_of,
    placing,
    reference_of,
    stream_of,
)
from ordercore.service.permissions import Permissions, checked_permissions, with_approval
from ordercore.service.stock import StockEngine
from ordercore.service.worker import Round, Worker

__all__ = [
    "CreditService",
    "NoCarrier",
    "OrderService",
    "Preview",
    "RandomIds",
    "StockService",
    "run",
]


@frozen(kw_only=True)
class Preview:
    """What a command would do: the order after it and the facts; nothing is written."""

    order: Order
    events: tuple[Event, ...]


class OrderService:
    """
    Everything that a host does with orders, over plain ports.

    Args:
        store: Where facts are kept.
        payments: Who moves the money.
        carrier: Who takes parcels; without one, nobody books.
        ids: Where ids come from; random UUIDs by default.
        settings: Lease, bounds and snapshot rule of the engine.
        permissions: Who may; by default everybody.
        sourcing: From where the holds of carts take their units.

    >>> from ordercore.adapters.memory import MemoryStore
    >>> from ordercore.testing.sandbox import SandboxGateway
    >>> service = OrderService(store=MemoryStore(), payments=SandboxGateway(":memory:"))
    >>> service.run_due(limit=10).is_idle
    True
    """

    def __init__(
        self,
        *,
        store: Store,
        payments: PaymentGateway,
        carrier: CarrierGateway | None = None,
        ids: IdSource | None = None,
        settings: Settings | None = None,
        permissions: Permissions | None = None,
        sourcing: Strategy | None = None,
    ) -> None:
        self._ports = Ports(
            store=checked_port(store, "store", "Store", "commit"),
            payments=checked_port(payments, "payments", "PaymentGateway", "capabilities"),
            carrier=checked_port(carrier or NoCarrier(), "carrier", "CarrierGateway", "book"),
            ids=checked_port(ids or RandomIds(), "ids", "IdSource", "new_id"),
        )
        settings = checked_settings(settings, capabilities_of(payments))
        self._engine = Engine(settings=settings)
        self._permissions = checked_permissions(permissions)
        stock = StockEngine(strategy=strategy_of(sourcing), settings=settings)
        credit = CreditEngine(settings=settings)
        self._worker = Worker(engine=self._engine, stock=stock, credit=credit)
        self.stock = StockService(stock, self._ports, self._permissions)
        self.credit = CreditService(credit, self._ports, self._permissions)

    def place(
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
        """
        Place a priced order and do all that is due: reserve, authorise, confirm.

        A declined card is no error: the order is then placed and unpaid. The same *key* with the
        same order answers with the first events and the order as it stands now, to whoever sends
        it: make the customer a part of the key. What the cart's *hold* has becomes the order's in
        the same commit; one that has expired is taken anew. *approved_by* is a second person,
        where the permissions ask for one.

        Raises:
            NotPermittedError, ApprovalNeededError: As the permissions say.
            NotPricedError: It is a draft: pass ``price(draft)``.
            OutOfStockError: Stock is missing (see ``Terms.backorder``).
            UnknownHoldError, HoldClosedError: There is no such hold, or another order has it.
            QuotationExpiredError, TendersDoNotFitError: It is too late, or cannot be paid so.
            OrderExistsError, AlreadyClaimedError: Another has its id, number, coupon or reference.
            KeyReusedError: The key belongs to another command.
            UnavailableError: The store did not answer. The order may stand, as after no other of
                these errors: place it again with the same key.
        """
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
        return run(work, self._ports)

    def execute(
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
        """
        Serve one command, then do all that is due.

        Args:
            order: Which order.
            command: A request (it may be refused) or a report (it never is).
            key: The caller's idempotency key: the same key and command answer as the first time.
            by: Who wants it.
            expected_version: The ``order.version`` that the caller has seen: refused where another
                request came since; what the outside reported meanwhile does not count.
            approved_by: A second person, where the permissions ask for one.
            reason: Why, for the timeline.

        Raises:
            RefusedError, NotFoundError, InvalidValueError, ConflictError: As the command's room
                says; nothing was written.
            UnavailableError: The store did not answer: retry with the same key.
        """
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
        return run(work, self._ports)

    def allowed(
        self, order: OrderId, *, by: Actor = SYSTEM
    ) -> Mapping[type[Request], RefusedError | None]:
        """Per kind of request, why it would be refused now to this actor; None where not."""
        found = self.load(order)
        return self._permissions.narrowed(allowed(found, self.now()), by)

    def preview(self, order: OrderId, command: Request | Report) -> Preview:
        """The same decision, nothing written: the new state and the facts."""
        work = self._engine.preview(stream_of(order), checked_command(command))
        after, events = run(work, self._ports)
        return Preview(order=after, events=events)

    def load(self, order: OrderId) -> Order:
        """
        The order as it stands.

        Raises:
            UnknownOrderError: There is none.
        """
        return run(self._engine.load(stream_of(order)), self._ports)

    def advance(self, order: OrderId) -> Order:
        """Do all that the order owes now; what a worker calls."""
        return run(self._engine.advance(stream_of(order)), self._ports)

    def run_due(self, *, limit: int = 100) -> Round:
        """Serve up to *limit* due orders and holds; one that fails never blocks the others."""
        return run(self._worker.run_due(limit), self._ports)

    def due(self, order: OrderId) -> tuple[Task, ...]:
        """What the order owes now; nothing is done."""
        return due(self.load(order), self._ports.store.now())

    def quote_refund(self, order: OrderId, items: Items) -> RefundQuote:
        """What crediting these items would do; carry it out with ``Refund(quote=…)``."""
        return quote_refund(self.load(order), items, self._ports.store.now())

    def history(self, order: OrderId) -> Iterator[Committed]:
        """All commits of an order with actor, both times, reason and facts; oldest first."""
        return self._ports.store.history(stream_of(order))

    def find(self, system: str, value: str) -> OrderId | None:
        """The order that another system calls so."""
        found = self._ports.store.find_claim(*reference_of(system, value))
        return None if found is None else OrderId(found)

    def now(self) -> datetime:
        """The store's clock."""
        return self._ports.store.now()
