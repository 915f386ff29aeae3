"""
Magento and Adobe Commerce: orders, invoices and checkout totals (REST), and orders (GraphQL).

The REST entities share their field names, so one reader reads them all. A row without
``row_total`` is bookkeeping: the parent of a bundle whose parts are priced, or the simple product
inside a configurable one. Amounts are those in the order's currency; the shop's own (``base_…``)
are kept beside them.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from attrs import frozen

from ordercore.codec.strict_json import Reader, loads
from ordercore.ids import ItemId, LineId, Sku
from ordercore.integrations.imports import (
    Check,
    Claim,
    Claims,
    Discrepancy,
    ExternalReference,
    Imported,
    MoneyPair,
    RawStatus,
    claims_in,
    compared,
    made_at,
    priced_at,
    unit_price,
)
from ordercore.integrations.people import plain
from ordercore.integrations.taxes import (
    percent_text,
    rate_discrepancies,
    spread_taxes,
    tax_parts,
)
from ordercore.money import Currency, Money
from ordercore.pricing.discounts import AmountOff, OrderDiscount
from ordercore.pricing.model import Charge, ChargeKind, Draft, DraftLine, PricedOrder, Tax

__all__ = ["read_graphql_orders", "read_orders"]

CLAIMS: Final = (
    (Check.LIST, "subtotal"),
    (Check.GOODS, "subtotal_with_discount"),
    (Check.SHIPPING, "shipping_amount"),
    (Check.SHIPPING_TAX, "shipping_tax_amount"),
    (Check.TAX, "tax_amount"),
    (Check.TOTAL, "grand_total"),
)
CURRENCIES: Final = ("order_currency_code", "quote_currency_code")
STATES: Final = frozenset(
    "new pending_payment processing complete closed canceled holded payment_review".split()
)
SHIPPING: Final = "shipping"


def read_orders(raw: bytes | str) -> tuple[Imported, ...]:
    """
    The order, invoice or checkout totals of a REST answer, or ``{"items": [orders…]}``.

    Raises:
        PayloadError: No JSON that a Magento order could be in (a request to ship or to refund has
            no amounts), a field of a wrong type, or parts that make no order. With its path.

    Source:
        RULES X-1; Adobe Commerce REST API, salesOrder, salesInvoice and quoteTotals.
    """
    return tuple(_Order(owner, _currency(owner)).read() for owner in _entities(raw))


def _entities(raw: bytes | str) -> Iterator[Reader]:
    document = Reader.of(loads(raw))
    if document.raw("totals") is not None:
        yield document.reader("totals")
    elif document.raw("grand_total") is None and document.raw("search_criteria") is not None:
        yield from document.items("items")
    else:
        yield document


def _currency(owner: Reader) -> Currency:
    found = (owner.optional_currency(name) for name in CURRENCIES)
    return next((each for each in found if each), None) or owner.currency(CURRENCIES[0])


@frozen
class _Order:
    """One REST entity while it is read."""

    order: Reader
    currency: Currency

    def read(self) -> Imported:
        order = self.order
        draft, priced = priced_at(order.path, self.draft)
        claims = Claims(tuple(self.claims()))
        number = order.optional_identifier("increment_id")
        return Imported(
            reference=ExternalReference(
                platform="magento",
                kind="order" if number else "totals",
                id=order.optional_identifier("entity_id") or "",
                name=number or "",
            ),
            created_at=order.optional_instant("created_at", naive_is_utc=True),
            updated_at=order.optional_instant("updated_at", naive_is_utc=True),
            draft=draft,
            priced=priced,
            claims=claims,
            discrepancies=(*compared(priced, claims), *self.line_checks(priced)),
            presentment=tuple(self.pairs()),
            statuses=tuple(self.states()),
        )

    def draft(self) -> Draft:
        lines = tuple(self.line(owner) for owner in self.rows())
        if not lines:
            raise self.order.error("items", "none of them has an amount")
        amount = self.order.optional_money("shipping_amount", self.currency)
        tax = self.order.optional_money("shipping_tax_amount", self.currency)
        off = self.order.optional_money("shipping_discount_amount", self.currency)
        shipping = () if amount is None else (self.shipping(amount, tax, off),)
        return Draft(currency=self.currency, lines=lines, charges=shipping)

    def rows(self) -> Iterator[Reader]:
        """The items that are charged for; children and containers have no amount of their own."""
        for owner in self.order.items("items"):
            total = owner.optional_money("row_total", self.currency)
            is_child = owner.raw("parent_item_id") is not None
            if total is not None and not (is_child and not total):
                yield owner

    def line(self, owner: Reader) -> DraftLine:
        ids = (owner.optional_identifier(name) for name in ("item_id", "order_item_id"))
        line_id = next((each for each in ids if each), None) or owner.identifier("item_id")
        sku = plain(owner.optional_text("sku")) or line_id
        quantity = self.quantity(owner)
        exact = Fraction(owner.decimal("price")) * 10**self.currency.exponent
        off = owner.optional_money("discount_amount", self.currency)
        return made_at(
            owner.path,
            lambda: DraftLine(
                id=LineId(line_id),
                item=ItemId(owner.optional_identifier("product_id") or sku),
                sku=Sku(sku),
                title=plain(html.unescape(owner.optional_text("name") or ""), longest=500),
                quantity=quantity,
                unit_price=unit_price(exact, self.currency),
                discounts=_off(off),
                taxes=self.taxes(owner),
            ),
        )

    def quantity(self, owner: Reader) -> int:
        """Magento writes quantities with decimals; here a unit is a whole one."""
        name = "qty" if owner.raw("qty") is not None else "qty_ordered"
        value = owner.decimal(name)
        if value != value.to_integral_value() or not 1 <= value <= 10**12:
            raise owner.error(name, "it must be a whole number of units, at least one")
        return int(value)

    def taxes(self, owner: Reader) -> tuple[Tax, ...]:
        amount = owner.optional_money("tax_amount", self.currency)
        if not amount:
            return ()
        rate = Fraction(owner.optional_decimal("tax_percent") or 0) / 100
        return (Tax(code=f"tax {percent_text(rate)}", rate=rate, amount=amount),)

    def shipping(self, amount: Money, tax: Money | None, off: Money | None) -> Charge:
        return Charge(
            id=SHIPPING,
            kind=ChargeKind.SHIPPING,
            title=plain(self.order.optional_text("shipping_description")),
            amount=amount,
            discounts=_off(off),
            taxes=(Tax(code="shipping tax", amount=tax),) if tax else (),
        )

    # --- what it says about itself ---

    def claims(self) -> Iterator[Claim]:
        yield from claims_in(self.order, CLAIMS, self.currency)
        off = self.order.optional_money("discount_amount", self.currency)
        if off is not None:
            where = self.order.at("discount_amount")
            yield Claim(check=Check.DISCOUNT, field=where, amount=-off)

    def line_checks(self, priced: PricedOrder) -> Iterator[Discrepancy]:
        """Where a row is not price times quantity, or a tax not what its percentage gives."""
        for owner, line in zip(self.rows(), priced.lines, strict=True):
            claimed = owner.money("row_total", self.currency)
            if claimed != line.list_amount:
                yield Discrepancy(
                    field=owner.at("row_total"),
                    check=Check.LINE,
                    claimed=claimed,
                    computed=line.list_amount,
                )
        for part in tax_parts(priced).values():
            if any(part.exact):
                yield from rate_discrepancies(self.order.at("tax_amount"), part.amount, part)

    def pairs(self) -> Iterator[MoneyPair]:
        """The totals in the shop's currency beside those in the order's."""
        base = self.order.optional_currency("base_currency_code")
        names = [name for name in self.order.fields if name.startswith("base_")]
        for name in names if base is not None else ():
            seen = self.order.raw(name.removeprefix("base_"))
            if base is None or seen is None or name.endswith(("_code", "_rate")):
                continue
            shop = self.order.optional_money(name, base)
            if shop is not None:
                yield MoneyPair(
                    field=self.order.at(name),
                    shop=shop,
                    presentment=self.order.money(name.removeprefix("base_"), self.currency),
                )

    def states(self) -> Iterator[RawStatus]:
        """The state, which is Magento's own; a status is the shop's and may be any word."""
        raw = self.order.raw("state")
        if isinstance(raw, str):
            yield RawStatus(field=self.order.at("state"), raw=plain(raw), known=raw in STATES)


def _off(amount: Money | None) -> tuple[AmountOff, ...]:
    return (AmountOff(code="discount", amount=amount, verbatim=True),) if amount else ()


# --- GraphQL ------------------------------------------------------------------------------------


def read_graphql_orders(raw: bytes | str) -> tuple[Imported, ...]:
    """
    The orders of ``{"data": {"customer": {"orders": {"items": […]}}}}``, with their items.

    Its taxes and discounts are stated for the whole order, and apportioned (RULES M-4).

    Raises:
        PayloadError: An answer of another shape, or one that was not asked for the items.

    Source:
        RULES X-1; Adobe Commerce GraphQL API, CustomerOrder.
    """
    customer = Reader.of(loads(raw)).reader("data").reader("customer")
    return tuple(_GraphqlOrder(owner).read() for owner in customer.reader("orders").items("items"))


@frozen
class _GraphqlOrder:
    """One order of a GraphQL answer while it is read."""

    order: Reader

    @property
    def total(self) -> Reader:
        return self.order.reader("total")

    @property
    def currency(self) -> Currency:
        return self.total.reader("grand_total").currency("currency")

    def read(self) -> Imported:
        order = self.order
        draft, priced = priced_at(order.path, self.draft)
        claims = Claims(tuple(self.claims()))
        taxes = tax_parts(priced).values()
        where = self.total.at("taxes")
        return Imported(
            reference=ExternalReference(
                platform="magento",
                kind="order",
                id=order.identifier("id"),
                name=plain(order.optional_text("number")),
            ),
            created_at=order.optional_instant("order_date", naive_is_utc=True),
            draft=draft,
            priced=priced,
            claims=claims,
            discrepancies=(
                *compared(priced, claims),
                *(each for part in taxes for each in rate_discrepancies(where, part.amount, part)),
            ),
        )

    def draft(self) -> Draft:
        lines = tuple(self.line(*pair) for pair in enumerate(self.order.items("items")))
        if not lines:
            raise self.order.error("items", "it is empty")
        taxes = tuple(self.tax(row) for row in self.total.optional_items("taxes"))
        weights = [
            line.unit_price.amount.minor * line.quantity // line.unit_price.per for line in lines
        ]
        shipping = self.value(self.total, "total_shipping")
        discounts = (self.value(row, "amount") for row in self.total.optional_items("discounts"))
        return Draft(
            currency=self.currency,
            lines=spread_taxes(lines, taxes, weights),
            discounts=tuple(
                OrderDiscount(discount=off) for amount in discounts for off in _off(amount)
            ),
            charges=() if shipping is None else (Charge(id=SHIPPING, amount=shipping),),
        )

    def line(self, place: int, owner: Reader) -> DraftLine:
        sku = plain(owner.text("product_sku"))
        price = self.of_the_order(owner.reader("product_sale_price"))
        exact = Fraction(price.decimal("value")) * 10**self.currency.exponent
        return made_at(
            owner.path,
            lambda: DraftLine(
                id=LineId(str(place + 1)),
                item=ItemId(sku),
                sku=Sku(sku),
                title=plain(html.unescape(owner.optional_text("product_name") or ""), longest=500),
                quantity=owner.integer("quantity_ordered", least=1),
                unit_price=unit_price(exact, self.currency),
            ),
        )

    def tax(self, row: Reader) -> Tax:
        title, rate = plain(row.optional_text("title")) or "tax", row.fraction("rate") / 100
        amount = self.value(row, "amount") or Money.zero(self.currency)
        code = f"{title} {percent_text(rate)}"
        return made_at(row.path, lambda: Tax(code=code, title=title, rate=rate, amount=amount))

    def claims(self) -> Iterator[Claim]:
        names = (
            (Check.LIST, "subtotal"),
            (Check.TAX, "total_tax"),
            (Check.SHIPPING, "total_shipping"),
            (Check.TOTAL, "grand_total"),
        )
        for check, name in names:
            amount = self.value(self.total, name)
            if amount is not None:
                where = f"{self.total.at(name)}.value"
                yield Claim(check=check, field=where, amount=amount)

    def value(self, owner: Reader, name: str) -> Money | None:
        """An amount, where there is one."""
        inner = owner.optional_reader(name)
        return None if inner is None else self.of_the_order(inner).money("value", self.currency)

    def of_the_order(self, amount: Reader) -> Reader:
        """The same amount, when it is in the order's currency, or names none."""
        if (amount.optional_currency("currency") or self.currency) is not self.currency:
            raise amount.error("currency", "it is another one than the order's")
        return amount
