"""
Orders and draft orders.

What counts is what stands on the lines: price, quantity, ``discount_allocations`` (draft orders:
``applied_discount``) and ``tax_lines``, as stated. The totals of the order are claims.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from attrs import frozen

from ordercore.codec.strict_json import Reader
from ordercore.ids import ItemId, LineId, Sku
from ordercore.integrations.imports import (
    Check,
    Claim,
    Claims,
    Discrepancy,
    ExternalReference,
    Imported,
    MoneyPair,
    compared,
    made_at,
    priced_at,
)
from ordercore.integrations.people import plain
from ordercore.integrations.shopify._payload import (
    PLATFORM,
    compared_shop_money,
    currency_in,
    money_pairs,
    objects,
    raw_statuses,
    shop_money,
)
from ordercore.integrations.shopify._people import buyer_of, party_at
from ordercore.integrations.shopify._taxes import check_taxes, taxes_at
from ordercore.integrations.taxes import spread_taxes
from ordercore.money import Currency, Money
from ordercore.pricing.discounts import AmountOff, OrderDiscount
from ordercore.pricing.model import Charge, ChargeKind, Draft, DraftLine, LineKind, PricedOrder

__all__ = ["read_draft_orders", "read_orders"]

ORDER_CLAIMS: Final = (
    (Check.LIST, "total_line_items_price"),
    (Check.GOODS, "subtotal_price"),
    (Check.DISCOUNT, "total_discounts"),
    (Check.SHIPPING, "total_shipping_price"),
    (Check.TAX, "total_tax"),
    (Check.TOTAL, "total_price"),
)
"""Shopify's subtotal is the goods after discounts; its shipping price is before them."""

STATUSES: Final = {
    "status": frozenset({"open", "invoice_sent", "completed"}),
    "financial_status": frozenset(
        "pending authorized partially_paid paid partially_refunded refunded voided expired".split()
    ),
    "fulfillment_status": frozenset({"fulfilled", "partial", "restocked", "null"}),
    "cancel_reason": frozenset("customer fraud inventory declined staff other".split()),
}


def read_orders(raw: bytes | str) -> tuple[Imported, ...]:
    """
    The orders of a response: ``{"order": {…}}`` or ``{"orders": […]}``.

    Raises:
        PayloadError: No JSON that a Shopify order could be in; no lines, no currency; a field of
            a wrong type; or parts that make no order. With the path of the fault.

    Source:
        RULES X-1; Shopify REST Admin API 2024-01, Order.
    """
    return tuple(
        _Order(order, _currency(order)).read() for order in objects(raw, "order", "orders")
    )


def read_draft_orders(raw: bytes | str) -> tuple[Imported, ...]:
    """
    The draft orders of a response: ``{"draft_order": {…}}`` or ``{"draft_orders": […]}``.

    Raises:
        PayloadError: As `read_orders`.

    Source:
        RULES X-1; Shopify REST Admin API 2024-01, DraftOrder.
    """
    drafts = objects(raw, "draft_order", "draft_orders")
    return tuple(_Order(draft, _currency(draft), kind="draft_order").read() for draft in drafts)


def _currency(order: Reader) -> Currency:
    """The shop's currency; an answer with few fields names it only beside its prices."""
    found = order.optional_currency("currency")
    for line in order.items("line_items") if found is None else ():
        both = line.optional_reader("price_set")
        bag = None if both is None else both.optional_reader("shop_money")
        if bag is not None:
            return currency_in(bag)
    return order.currency("currency") if found is None else found


@frozen
class _Order:
    """One order or draft order while it is read."""

    order: Reader
    currency: Currency
    kind: str = "order"

    def read(self) -> Imported:
        order = self.order
        draft, priced = priced_at(order.path, self.draft)
        claims = Claims(tuple(self.claims()))
        return Imported(
            reference=ExternalReference(
                platform=PLATFORM,
                kind=self.kind,
                id=order.identifier("id"),
                name=plain(order.optional_text("name")),
            ),
            created_at=order.optional_instant("created_at"),
            updated_at=order.optional_instant("updated_at"),
            draft=draft,
            priced=priced,
            claims=claims,
            discrepancies=(*compared(priced, claims), *self.contradictions(priced)),
            presentment=tuple(self.pairs()),
            statuses=raw_statuses(order, STATUSES),
            is_test=order.optional_boolean("test") or False,
            buyer=buyer_of(order),
            bill_to=party_at(order, "billing_address"),
            ship_to=party_at(order, "shipping_address"),
        )

    # --- the order ---

    def draft(self) -> Draft:
        owners = self.order.items("line_items")
        if not owners:
            raise self.order.error("line_items", "it is empty")
        lines = tuple(self.line(owner) for owner in owners)
        charges = (*self.shipping(), *self.duties(owners), *self.extras(owners))
        taxes = taxes_at(self.order, self.currency)
        stated = any(line.taxes for line in lines) or any(charge.taxes for charge in charges)
        if taxes and not stated:
            lines = spread_taxes(lines, taxes, [self.taxable(owner) for owner in owners])
        return Draft(
            currency=self.currency,
            lines=lines,
            charges=charges,
            discounts=tuple(
                OrderDiscount(discount=discount) for discount in self.applied(self.order, "order")
            ),
        )

    @cached_property
    def tax_included(self) -> bool:
        return self.order.optional_boolean("taxes_included") or False

    def line(self, owner: Reader) -> DraftLine:
        line_id = owner.identifier("id")
        item = owner.optional_identifier("variant_id") or f"custom-{line_id}"
        tracked = owner.raw("variant_id") is not None
        if "variant_inventory_management" in owner.fields:
            tracked = owner.raw("variant_inventory_management") is not None
        is_gift_card = owner.optional_boolean("gift_card") or False
        needs_fulfilment = owner.optional_boolean("requires_shipping")
        return made_at(
            owner.path,
            lambda: DraftLine(
                id=LineId(line_id),
                item=ItemId(item),
                sku=Sku(plain(owner.optional_text("sku")) or item),
                title=plain(
                    owner.optional_text("name") or owner.optional_text("title"), longest=500
                ),
                quantity=owner.integer("quantity", least=1),
                unit_price=owner.money("price", self.currency),
                discounts=(*self.allocated(owner), *self.applied(owner, "line")),
                taxes=taxes_at(owner, self.currency),
                tax_included=self.tax_included,
                kind=LineKind.GIFT_CARD if is_gift_card else LineKind.GOODS,
                needs_fulfilment=needs_fulfilment is not False,
                tracks_stock=tracked,
                weight_g=owner.optional_integer("grams") or 0,
            ),
        )

    def taxable(self, owner: Reader) -> int:
        """What a line weighs for a tax that is stated for the whole order."""
        if owner.optional_boolean("taxable") is False:
            return 0
        listed = owner.money("price", self.currency) * owner.integer("quantity", least=1)
        off = sum(discount.amount.minor for discount in self.allocated(owner))
        return max(listed.minor - off, 0)

    def allocated(self, owner: Reader) -> tuple[AmountOff, ...]:
        """The parts of the order's discounts that Shopify has put on a line or on shipping."""
        found: list[AmountOff] = []
        for part in owner.optional_items("discount_allocations"):
            amount = part.money("amount", self.currency)
            if amount:
                index = part.optional_integer("discount_application_index") or 0
                code, title = self.application(index)
                found.append(AmountOff(code=code, title=title, amount=amount, verbatim=True))
        return tuple(found)

    def application(self, index: int) -> tuple[str, str]:
        """The code and title of a discount, as far as the order says."""
        known = self.applications[index] if index < len(self.applications) else ("", "")
        return known[0] or f"discount-{index}", known[1]

    @cached_property
    def applications(self) -> tuple[tuple[str, str], ...]:
        """The discounts of the order by their places: code and title, either may be empty."""
        found: list[tuple[str, str]] = []
        for owner in self.order.optional_items("discount_applications"):
            words = [plain(owner.optional_text(name)) for name in ("code", "title", "description")]
            found.append((next((word for word in words if word), ""), words[1] or words[2]))
        return tuple(found)

    def applied(self, owner: Reader, level: str) -> tuple[AmountOff, ...]:
        """The discount that a draft order states by hand, on a line or on the whole."""
        stated = owner.optional_reader("applied_discount")
        if stated is None:
            return ()
        amount = stated.money("amount", self.currency)
        title = plain(stated.optional_text("title") or stated.optional_text("description"))
        code = title or f"{level} discount"
        return (AmountOff(code=code, title=title, amount=amount, verbatim=True),) if amount else ()

    def shipping(self) -> Iterator[Charge]:
        draft_line = self.order.optional_reader("shipping_line")
        owners = self.order.optional_items("shipping_lines")
        for place, owner in enumerate(owners if draft_line is None else (draft_line, *owners)):
            yield self.charge(
                owner,
                ChargeKind.SHIPPING,
                f"shipping-{owner.optional_identifier('id') or place}",
                owner.money("price", self.currency),
            )

    def duties(self, owners: tuple[Reader, ...]) -> Iterator[Charge]:
        for owner in owners:
            for place, duty in enumerate(owner.optional_items("duties")):
                bag = duty.reader("shop_money")
                line = owner.identifier("id")
                yield self.charge(
                    duty,
                    ChargeKind.DUTY,
                    f"duty-{line}-{place}",
                    bag.money("amount", self.currency),
                    lines=(LineId(line),),
                )

    def extras(self, owners: tuple[Reader, ...]) -> Iterator[Charge]:
        """Tips and fees that are stated for the whole order; a tip may be a line already."""
        tip = self.order.optional_money("total_tip_received", self.currency)
        if tip and not any(owner.raw("tip") for owner in owners):
            yield Charge(id="tip", kind=ChargeKind.TIP, title="Tip", amount=tip)
        for name in ("original_total_additional_fees", "total_additional_fees"):
            fee = shop_money(self.order, name)
            if fee:
                yield Charge(id=name, kind=ChargeKind.FEE, title="Additional fees", amount=fee)

    def charge(
        self,
        owner: Reader,
        kind: ChargeKind,
        name: str,
        amount: Money,
        *,
        lines: tuple[LineId, ...] | None = None,
    ) -> Charge:
        return made_at(
            owner.path,
            lambda: Charge(
                id=name,
                kind=kind,
                title=plain(owner.optional_text("title")),
                amount=amount,
                discounts=self.allocated(owner),
                taxes=taxes_at(owner, self.currency),
                tax_included=self.tax_included,
                lines=lines,
            ),
        )

    # --- what it says about itself ---

    def claims(self) -> Iterator[Claim]:
        for check, name in ORDER_CLAIMS:
            amount = self.order.optional_money(name, self.currency)
            where = self.order.at(name)
            if amount is None:
                amount, where = shop_money(self.order, name), f"{where}_set.shop_money.amount"
            if amount is not None:
                yield Claim(check=check, field=where, amount=amount)

    def contradictions(self, priced: PricedOrder) -> Iterator[Discrepancy]:
        yield from check_taxes(self.order, taxes_at(self.order, self.currency), priced)
        for owner in self.amounts():
            yield from compared_shop_money(owner, self.currency)
        yield from self.code_amounts(priced)

    def code_amounts(self, priced: PricedOrder) -> Iterator[Discrepancy]:
        """Codes cannot have taken off more than all discounts together."""
        codes = self.order.optional_items("discount_codes")
        zero = Money.zero(self.currency)
        claimed = sum(
            (code.optional_money("amount", self.currency) or zero for code in codes), zero
        )
        computed = sum(
            (discount.amount for part in priced.parts for discount in part.discounts), zero
        )
        if claimed > computed:
            yield Discrepancy(
                field=self.order.at("discount_codes"),
                check=Check.DISCOUNT_CODES,
                claimed=claimed,
                computed=computed,
            )

    def pairs(self) -> Iterator[MoneyPair]:
        for owner in self.amounts():
            yield from money_pairs(owner)

    def amounts(self) -> tuple[Reader, ...]:
        """The objects that state amounts: the order, its lines and its shipping."""
        order = self.order
        return order, *order.items("line_items"), *order.optional_items("shipping_lines")
