"""
WooCommerce: orders of the REST API, versions 3 (legacy) and wc/v3.

Lines state their amounts without tax, before discounts (``subtotal``) and after them (``total``).
A shop may round taxes once per order: then the lines carry unrounded amounts (``1.125``), and the
rounded ones beside them do not sum to the tax. So each tax is rounded once, as the shop does, and
apportioned back by the unrounded amounts (RULES M-4, P-5): every line knows its tax to the cent,
and the sum is the shop's.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Final

from attrs import frozen

from ordercore.codec.strict_json import PayloadError, Reader, loads
from ordercore.ids import ItemId, LineId, Sku
from ordercore.integrations.imports import (
    Check,
    Claims,
    Discrepancy,
    ExternalReference,
    Imported,
    RawStatus,
    claims_in,
    compared,
    made_at,
    priced_at,
    unit_price,
)
from ordercore.integrations.people import PartyData, plain
from ordercore.integrations.taxes import TaxParts, rate_discrepancies, tax_parts
from ordercore.money import Currency, Money, apportion, apportion_minor, round_fraction
from ordercore.order.party import Address
from ordercore.pricing.discounts import AmountOff
from ordercore.pricing.model import Charge, ChargeKind, Draft, DraftLine, PricedOrder, Tax

__all__ = ["read_orders"]

CLAIMS: Final = (
    (Check.LIST, "subtotal"),
    (Check.DISCOUNT, "discount_total"),
    (Check.DISCOUNT, "total_discount"),
    (Check.SHIPPING, "shipping_total"),
    (Check.SHIPPING, "total_shipping"),
    (Check.GOODS_TAX, "cart_tax"),
    (Check.SHIPPING_TAX, "shipping_tax"),
    (Check.TAX, "total_tax"),
    (Check.TOTAL, "total"),
)
STATUSES: Final = frozenset(
    "pending processing on-hold completed cancelled refunded failed trash checkout-draft".split()
)
ANY_TAX: Final = "tax"
"""The code of a tax of which the payload states the amount, but not which tax it is."""


def read_orders(raw: bytes | str) -> tuple[Imported, ...]:
    """
    The orders of an answer: one, a list, ``{"order": {…}}``, ``{"orders": […]}`` or a batch.

    Of a batch, what was created and updated is read; what was deleted is not.

    Raises:
        PayloadError: No JSON that a WooCommerce order could be in, a field of a wrong type, or
            parts that make no order. With the path of the fault.

    Source:
        RULES X-1; WooCommerce REST API, Orders.
    """
    return tuple(_Order(order, order.currency("currency")).read() for order in _orders(raw))


def _orders(raw: bytes | str) -> Iterator[Reader]:
    value = loads(raw)
    if isinstance(value, list):
        yield from (Reader.of(item, f"$[{index}]") for index, item in enumerate(value))
        return
    document = Reader.of(value)
    lists = [name for name in ("orders", "create", "update") if document.raw(name) is not None]
    if document.raw("order") is not None:
        yield document.reader("order")
    elif lists:
        for name in lists:
            yield from document.items(name)
    elif document.raw("line_items") is not None:
        yield document
    else:
        raise PayloadError("$", "it has no order")


@frozen
class _Order:
    """One order while it is read."""

    order: Reader
    currency: Currency

    def read(self) -> Imported:
        order = self.order
        draft, priced = priced_at(order.path, self.draft)
        claims = Claims(tuple(claims_in(order, CLAIMS, self.currency)))
        status = order.optional_text("status", longest=100)
        return Imported(
            reference=ExternalReference(
                platform="woocommerce",
                kind="order",
                id=order.identifier("id"),
                name=plain(
                    order.optional_identifier("number") or order.optional_identifier("order_number")
                ),
            ),
            created_at=order.optional_instant("date_created_gmt", naive_is_utc=True)
            or order.optional_instant("created_at"),
            updated_at=order.optional_instant("date_modified_gmt", naive_is_utc=True)
            or order.optional_instant("updated_at"),
            draft=draft,
            priced=priced,
            claims=claims,
            discrepancies=(*compared(priced, claims), *self.tax_checks(priced)),
            statuses=()
            if status is None
            else (RawStatus(field=order.at("status"), raw=status, known=status in STATUSES),),
            buyer=self.buyer(),
            bill_to=self.party("billing"),
            ship_to=self.party("shipping"),
        )

    # --- the order ---

    def draft(self) -> Draft:
        owners = self.order.items("line_items")
        if not owners:
            raise self.order.error("line_items", "it is empty")
        fees = self.order.optional_items("fee_lines")
        taxes = self.taxes((*owners, *fees))
        shipping = self.order.optional_items("shipping_lines")
        shipping_taxes = self.taxes(shipping)
        if not any(shipping_taxes):
            shipping_taxes = self.legacy_shipping_taxes(shipping)
        lines = [self.line(*pair) for pair in zip(owners, taxes, strict=False)]
        charges = [
            self.charge(owner, ChargeKind.SHIPPING, own)
            for owner, own in zip(shipping, shipping_taxes, strict=True)
        ]
        charges += [
            self.charge(owner, ChargeKind.FEE, own)
            for owner, own in zip(fees, taxes[len(owners) :], strict=True)
        ]
        return Draft(currency=self.currency, lines=tuple(lines), charges=tuple(charges))

    def line(self, owner: Reader, taxes: tuple[Tax, ...]) -> DraftLine:
        line_id = owner.identifier("id")
        before = owner.money("subtotal", self.currency)
        after = owner.money("total", self.currency)
        quantity = owner.integer("quantity", least=1)
        listed = max(before, after)
        item = self.item(owner) or f"custom-{line_id}"
        off = listed - after
        discount = AmountOff(code=self.discount_code, amount=off, verbatim=True)
        return made_at(
            owner.path,
            lambda: DraftLine(
                id=LineId(line_id),
                item=ItemId(item),
                sku=Sku(plain(owner.optional_text("sku")) or item),
                title=plain(html.unescape(owner.optional_text("name") or ""), longest=500),
                quantity=quantity,
                unit_price=unit_price(Fraction(listed.minor, quantity), self.currency),
                discounts=(discount,) if off else (),
                taxes=taxes,
            ),
        )

    def item(self, owner: Reader) -> str | None:
        """The variation, or the product without one; WooCommerce writes 0 for none."""
        ids = (owner.optional_identifier(name) for name in ("variation_id", "product_id"))
        return next((one for one in ids if one not in {None, "0"}), None)

    @cached_property
    def discount_code(self) -> str:
        codes = [
            plain(row.optional_text("code")) for row in self.order.optional_items("coupon_lines")
        ]
        return codes[0] if len(codes) == 1 and codes[0] else "discount"

    def charge(self, owner: Reader, kind: ChargeKind, taxes: tuple[Tax, ...]) -> Charge:
        """Shipping or a fee; a fee below zero is how shops write an adjustment."""
        amount = owner.money("total", self.currency)
        title = owner.optional_text("method_title") or owner.optional_text("name")
        if kind is ChargeKind.FEE and amount.is_negative:
            kind = ChargeKind.ADJUSTMENT
        return made_at(
            owner.path,
            lambda: Charge(
                id=f"{kind.value}-{owner.identifier('id')}",
                kind=kind,
                title=plain(html.unescape(title or "")),
                amount=amount,
                taxes=taxes,
            ),
        )

    # --- taxes ---

    def taxes(self, owners: Sequence[Reader]) -> list[tuple[Tax, ...]]:
        """The taxes of each, so that every tax is rounded once for all of them together."""
        by_rate: dict[str, dict[int, Fraction]] = {}
        for place, owner in enumerate(owners):
            for rate_id, amount in self.exact_taxes(owner).items():
                by_rate.setdefault(rate_id, {})[place] = amount
        if not by_rate:
            return [self.plain_tax(owner) for owner in owners]
        found: list[list[Tax]] = [[] for _ in owners]
        for rate_id, amounts in by_rate.items():
            for place, part in zip(amounts, _rounded_together([*amounts.values()]), strict=True):
                found[place].append(self.named[rate_id].of(Money(part, self.currency)))
        return [tuple(taxes) for taxes in found]

    def exact_taxes(self, owner: Reader) -> dict[str, Fraction]:
        """Unrounded amounts in minor units, by the id of the rate."""
        found: dict[str, Fraction] = {}
        for row in owner.optional_items("taxes"):
            rate_id = row.identifier("id")
            if rate_id not in self.named:
                raise row.error("id", "the order has no such tax line")
            total = row.raw("total")
            if total is not None and total != "":
                found[rate_id] = Fraction(row.decimal("total")) * 10**self.currency.exponent
        return found

    def plain_tax(self, owner: Reader) -> tuple[Tax, ...]:
        amount = owner.optional_money("total_tax", self.currency)
        return (Tax(code=ANY_TAX, amount=amount),) if amount else ()

    def legacy_shipping_taxes(self, shipping: Sequence[Reader]) -> list[tuple[Tax, ...]]:
        """Version 3 states the tax on shipping for the whole order only."""
        amount = self.order.optional_money("shipping_tax", self.currency)
        weights = [owner.money("total", self.currency).minor for owner in shipping]
        if not amount or not any(weights):
            return [()] * len(shipping)
        parts = apportion(amount, weights)
        return [(Tax(code=ANY_TAX, amount=part),) for part in parts]

    @cached_property
    def named(self) -> Mapping[str, _Named]:
        """The taxes of the order, by the id of their rate."""
        found: dict[str, _Named] = {}
        for row in self.order.optional_items("tax_lines"):
            rate_id = row.optional_identifier("rate_id") or ""
            if rate_id in found:
                raise row.error("rate_id", "the order has two tax lines of this rate")
            code = plain(row.optional_text("rate_code") or row.optional_text("code"))
            percent = row.optional_decimal("rate_percent")
            found[rate_id] = _Named(
                code=f"{code or ANY_TAX}-{rate_id}",
                title=plain(row.optional_text("label") or row.optional_text("title")),
                rate=Fraction(percent or 0) / 100,
            )
        return found

    def tax_checks(self, priced: PricedOrder) -> Iterator[Discrepancy]:
        """Where a tax line is not the sum of its parts, or not what its stated rate gives."""
        rows = self.order.optional_items("tax_lines")
        zero = Money.zero(self.currency)
        stated = [
            sum(
                (row.optional_money(name, self.currency) or zero
                 for name in ("tax_total", "shipping_tax_total", "total")),
                zero,
            )
            for row in rows
        ]  # fmt: skip
        parts = tax_parts(priced)
        if rows and ANY_TAX in parts:
            yield from _differs(self.order.at("tax_lines"), sum(stated, zero), priced.tax)
            return
        for row, claimed, named in zip(rows, stated, self.named.values(), strict=True):
            part = parts.get(named.code, TaxParts(zero, ()))
            yield from _differs(row.path, claimed, part.amount)
            if named.rate:
                yield from rate_discrepancies(row.path, claimed, part)

    # --- people ---

    def buyer(self) -> PartyData | None:
        reference = self.order.optional_identifier("customer_id")
        party = self.party("billing")
        if party is None:
            return None
        return PartyData(
            reference="" if reference in {None, "0"} else str(reference),
            name=party.name,
            email=party.email,
            phone=party.phone,
            address=party.address,
        )

    def party(self, name: str) -> PartyData | None:
        owner = self.order.optional_reader(name) or self.order.optional_reader(f"{name}_address")
        if owner is None:
            return None
        words = (owner.optional_text("first_name"), owner.optional_text("last_name"))
        lines = (plain(owner.optional_text(key)) for key in ("company", "address_1", "address_2"))
        return PartyData(
            name=plain(" ".join(word for word in words if word)),
            email=plain(owner.optional_text("email")),
            phone=plain(owner.optional_text("phone")),
            address=Address(
                lines=tuple(line for line in lines if line),
                city=plain(owner.optional_text("city")),
                region=plain(owner.optional_text("state")),
                postal_code=plain(owner.optional_text("postcode")),
                country=plain(owner.optional_text("country")),
            ),
        )


@frozen(kw_only=True)
class _Named:
    """What an order calls one of its taxes."""

    code: str
    title: str
    rate: Fraction

    def of(self, amount: Money) -> Tax:
        return Tax(code=self.code, title=self.title, rate=self.rate, amount=amount)


def _rounded_together(amounts: Sequence[Fraction]) -> Sequence[int]:
    """Amounts as whole minor units that sum to their rounded sum; a mixed sign is rounded apart."""
    if not any(amounts) or min(amounts) < 0:
        return [round_fraction(amount) for amount in amounts]
    return apportion_minor(round_fraction(sum(amounts, Fraction(0))), amounts)


def _differs(where: str, claimed: Money, computed: Money) -> Iterator[Discrepancy]:
    if claimed != computed:
        yield Discrepancy(field=where, check=Check.TAX_LINE, claimed=claimed, computed=computed)
