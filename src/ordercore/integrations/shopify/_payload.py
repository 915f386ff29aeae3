"""What all Shopify payloads have in common: their envelope, and amounts in two currencies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ordercore.codec.strict_json import PayloadError, Reader, loads
from ordercore.integrations.imports import Check, Discrepancy, MoneyPair, RawStatus
from ordercore.money import Currency, Money

__all__ = [
    "PLATFORM",
    "compared_shop_money",
    "currency_in",
    "money_pairs",
    "objects",
    "raw_statuses",
    "shop_money",
]

PLATFORM: Final = "shopify"


def objects(raw: bytes | str, one: str, many: str) -> tuple[Reader, ...]:
    """
    The objects of a response: ``{one: {…}}``, ``{many: [{…}]}`` or a bare array.

    They may also hang on an order: then those of ``{"order": {many: […]}}``.
    """
    value = loads(raw)
    if isinstance(value, list):
        return tuple(Reader.of(item, f"$[{index}]") for index, item in enumerate(value))
    document = Reader.of(value)
    if document.raw(one) is not None:
        return (document.reader(one),)
    if document.raw(many) is not None:
        return document.items(many)
    order = document.optional_reader("order")
    if order is not None:
        return order.items(many)
    raise PayloadError("$", f"it has neither {one} nor {many}")


def currency_in(bag: Reader) -> Currency:
    """The currency of one side of an amount; transactions call the field differently."""
    return bag.optional_currency("currency_code") or bag.currency("currency")


def shop_money(owner: Reader, name: str) -> Money | None:
    """The shop's side of ``{name}_set``; ``None`` where there is no such field."""
    both = owner.optional_reader(f"{name}_set")
    bag = None if both is None else both.optional_reader("shop_money")
    return None if bag is None else bag.money("amount", currency_in(bag))


def money_pairs(owner: Reader) -> Iterator[MoneyPair]:
    """Every amount of an object that is stated in both currencies."""
    for name in owner.fields:
        if not name.endswith("_set") or owner.raw(name) is None:
            continue
        both = owner.reader(name)
        shop, seen = both.optional_reader("shop_money"), both.optional_reader("presentment_money")
        if shop is not None and seen is not None:
            yield MoneyPair(
                field=both.path,
                shop=shop.money("amount", currency_in(shop)),
                presentment=seen.money("amount", currency_in(seen)),
            )


def compared_shop_money(owner: Reader, currency: Currency) -> Iterator[Discrepancy]:
    """Where an amount and the shop's side of its ``_set`` are not the same."""
    for name in owner.fields:
        plain_name = name.removesuffix("_set")
        if plain_name == name or owner.raw(plain_name) is None:
            continue
        both = shop_money(owner, plain_name)
        if both is None:
            continue
        stated = owner.money(plain_name, currency)
        if stated != both:
            yield Discrepancy(
                field=owner.at(name), check=Check.SHOP_MONEY, claimed=both, computed=stated
            )


def raw_statuses(owner: Reader, known: dict[str, frozenset[str]]) -> tuple[RawStatus, ...]:
    """The statuses of an object in the platform's own words."""
    found: list[RawStatus] = []
    for name, words in known.items():
        raw = owner.optional_text(name, longest=100)
        if raw is not None:
            found.append(RawStatus(field=owner.at(name), raw=raw, known=raw in words))
    return tuple(found)
