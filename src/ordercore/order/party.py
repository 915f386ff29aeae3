"""
People: names, contacts and street addresses, kept apart from the facts.

Events carry ``PartyRef`` (party and version) and a `Destination` for rules; the personal data
stand in versioned `Party` records, so that erasing a person never breaks a replay.
"""

from __future__ import annotations

from attrs import field, frozen

from ordercore.ids import PartyId, checked_id

__all__ = ["Address", "Destination", "Party", "PartyRef"]


def _party_id(value: PartyId) -> PartyId:
    return PartyId(checked_id(value, "party id"))


@frozen
class PartyRef:
    """One version of one party."""

    party: PartyId = field(converter=_party_id)
    version: int = 1


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
