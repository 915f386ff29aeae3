"""The people of a Shopify order: customer, bill-to and ship-to."""

from __future__ import annotations

from ordercore.codec.strict_json import Reader
from ordercore.integrations.people import PartyData, plain
from ordercore.order.party import Address

__all__ = ["buyer_of", "party_at"]


def buyer_of(order: Reader) -> PartyData | None:
    """Who bought: the customer, or a guest's contact; ``None`` when nobody is named."""
    customer = order.optional_reader("customer")
    email = order.optional_text("email") or order.optional_text("contact_email")
    phone = order.optional_text("phone")
    if customer is None:
        return PartyData(email=plain(email), phone=plain(phone)) if email or phone else None
    return PartyData(
        reference=customer.optional_identifier("id") or "",
        name=_name(customer),
        email=plain(email or customer.optional_text("email")),
        phone=plain(phone or customer.optional_text("phone")),
        address=_address(customer.optional_reader("default_address")),
    )


def party_at(order: Reader, name: str) -> PartyData | None:
    """The party in an address field; ``None`` when there is none."""
    address = order.optional_reader(name)
    if address is None:
        return None
    return PartyData(
        name=_name(address),
        phone=plain(address.optional_text("phone")),
        address=_address(address),
    )


def _name(owner: Reader) -> str:
    whole = plain(owner.optional_text("name"))
    parts = (owner.optional_text("first_name"), owner.optional_text("last_name"))
    return whole or plain(" ".join(part for part in parts if part))


def _address(owner: Reader | None) -> Address | None:
    if owner is None:
        return None
    lines = (plain(owner.optional_text(name)) for name in ("company", "address1", "address2"))
    return Address(
        lines=tuple(line for line in lines if line),
        city=plain(owner.optional_text("city")),
        region=plain(owner.optional_text("province_code") or owner.optional_text("province")),
        postal_code=plain(owner.optional_text("zip")),
        country=plain(owner.optional_text("country_code") or owner.optional_text("country")),
    )
