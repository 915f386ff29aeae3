"""
Terms: every setting that an order is bound to, frozen into it at placement.

`decide` and `evolve` need no configuration, and a changed setting never rewrites an old order; a
deliberate change is the event ``TermsAmended``.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.ids import HoldKind, ItemId, LocationId, Series
from ordercore.inventory.reserve import BackorderRule
from ordercore.inventory.sourcing import InOrder, Strategy
from ordercore.moment import Period
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.refund.policy import RefundPolicy
from ordercore.returns.policy import ReturnPolicy

__all__ = ["Blocks", "InvoiceWhen", "ReleaseOn", "Stage", "StageRule", "Terms"]

ORDERS: Final = Series("ORD")
INVOICES: Final = Series("INV")
CREDIT_NOTES: Final = Series("CRN")
WEEK: Final = Period(days=7)
HOUR: Final = Period(hours=1)
STORE: Final = LocationId("store")


@unique
class Blocks(StrEnum):
    """What a hold stops (RULES O-3)."""

    CONFIRM = "confirm"
    CAPTURE = "capture"
    FULFIL = "fulfil"
    SHIP = "ship"
    REFUND = "refund"


@unique
class ReleaseOn(StrEnum):
    """A fact that ends a hold by itself (RULES O-3)."""

    PAID = "paid"
    """All that is owed is held."""
    COVERED = "covered"
    """Held, authorised, or trusted to be paid later."""
    STOCK_READY = "stock_ready"
    """Every unit is held or, by the terms, awaited."""
    ADDRESS_CHANGED = "address_changed"
    """Somebody gave another destination."""


@unique
class InvoiceWhen(StrEnum):
    """When the shop's invoice is due."""

    NEVER = "never"
    CONFIRMATION = "confirmation"
    DISPATCH = "dispatch"


@frozen(kw_only=True)
class Stage:
    """
    A host's own step inside one core status, with what may be done in it.

    ``inside`` is the value of an `OrderStatus`. A stage can only forbid: what the core forbids
    stays forbidden. It stands until the order enters another one or leaves it.
    """

    name: str
    inside: str
    holds_stock: bool = True
    cancellable: bool = True
    editable: bool = True
    shippable: bool = True


@frozen(kw_only=True)
class StageRule:
    """The host's stages and the steps between them, as data; no step means any step."""

    stages: tuple[Stage, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()

    def find(self, name: str) -> Stage | None:
        """The stage with this name."""
        return next((stage for stage in self.stages if stage.name == name), None)


@frozen(kw_only=True)
class Terms:
    """What was agreed when the order was placed; amounts in minor units of its currency."""

    capabilities: Capabilities = field(factory=Capabilities)
    payment: PaymentPolicy = field(factory=PaymentPolicy)
    refund: RefundPolicy = field(factory=RefundPolicy)
    returns: ReturnPolicy = field(factory=ReturnPolicy)
    backorder: BackorderRule = BackorderRule.NONE
    sourcing: Strategy = field(factory=InOrder)
    stages: StageRule = field(factory=StageRule)
    order_series: Series = ORDERS
    invoice_series: Series = INVOICES
    credit_note_series: Series = CREDIT_NOTES
    invoice: InvoiceWhen = InvoiceWhen.DISPATCH
    confirm_within: Period = WEEK
    """An order that is not confirmed by then expires (RULES O-6)."""
    retry_stock_after: Period = HOUR
    tolerance: int = 0
    """How far held money may differ from what is owed and count as equal (RULES PAY-7)."""
    ship_before_paid: bool = False
    release_automatically: bool = True
    book_carrier: bool = False
    complete_automatically: bool = True
    place_without_stock: LocationId = STORE
    """Where units that need fulfilment but no stock are handed out."""
    holds_at_placement: tuple[HoldKind, ...] = ()
    serialised: frozenset[ItemId] = frozenset()
    """Items whose units are packed with their serial numbers (RULES I-8)."""
    dispatch_within: Period | None = None
    """Until when planned work should have left, from its planning on (RULES F-6)."""
