"""
People: names, contacts and street addresses, kept apart from the facts.

Events carry ``PartyRef`` (party and version) and a `Destination` for rules; the personal data
stand in versioned `Party` records, so that erasing a person never breaks a replay.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from ordercore.ids import PartyId, checked_id
from ordercore.payment.cards import reference_without_card

__all__ = ["Address", "BuyerReferences", "Destination", "Party", "PartyRef"]


LONGEST_REFERENCE: Final = 200


def _reference(value: str) -> str:
    """Nothing, or text in the form of an id, and no card number (RULES PAY-8)."""
    if type(value) is str and not value:
        return ""
    known = checked_id(value, "reference of the buyer", longest=LONGEST_REFERENCE)
    return reference_without_card(known)


def _party_id(value: PartyId) -> PartyId:
    return PartyId(checked_id(value, "party id"))


@frozen
class PartyRef:
    """One version of one party."""

    party: PartyId = field(converter=_party_id)
    version: int = 1


@frozen(kw_only=True)
class BuyerReferences:
    """
    What a buyer wants to find on the papers; frozen into the order, and stated by its documents.

    Args:
        purchase_order: The number of the buyer's own order (EN 16931 BT-13).
        cost_centre: Where the buyer books it (BT-19).
        buyer_reference: Whom or what the seller is to name (BT-10); in Germany the Leitweg-ID.
        vat_id: The number under which the buyer is registered for VAT (BT-48); never printed.

    Raises:
        InvalidIdentifierError: No text, longer than 200 characters, or with an invisible one.
        CardNumberError: It may be a card number.

    Source:
        RULES O-8.
    """

    purchase_order: str = field(default="", converter=_reference)
    cost_centre: str = field(default="", converter=_reference)
    buyer_reference: str = field(default="", converter=_reference)
    vat_id: str = field(default="", repr=False, converter=_reference)


@frozen(kw_only=True)
class Destination:
    """Where goods go, as far as rules must know; no street and no name."""

    country: str
    region: str = ""
    postal_code: str = ""
    point: tuple[int, int] | None = None
    """A coarse place: latitude and longitude in thousandths of a degree."""


@frozen(kw_only=True)
class Address:
    """A postal address; never printed by ``repr``."""

    lines: tuple[str, ...] = field(default=(), repr=False)
    city: str = field(default="", repr=False)
    region: str = ""
    postal_code: str = field(default="", repr=False)
    country: str = ""


@frozen(kw_only=True)
class Party:
    """One version of a person's or company's data; an edit makes the next version."""

    id: PartyId = field(converter=_party_id)
    version: int = 1
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: Address | None = field(default=None, repr=False)
    vat_id: str = field(default="", repr=False)
    erased: bool = False

    @property
    def ref(self) -> PartyRef:
        """What events carry instead of the data."""
        return PartyRef(self.id, self.version)
