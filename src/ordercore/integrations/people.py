"""
Who an order is for, as a platform tells it: kept apart from everything else.

Names, contacts and streets are what must be erasable, so an importer hands them over in one value
whose ``repr`` shows nothing. The order itself carries only a `Destination` for rules.
"""

from __future__ import annotations

import unicodedata

from attrs import field, frozen

from ordercore.ids import PartyId
from ordercore.order.party import Address, Destination, Party

__all__ = ["PartyData", "plain"]


def plain(text: str | None, *, longest: int = 200) -> str:
    """
    Text from outside on one line: no control or invisible characters, one normal form, cut.

    >>> plain("#1\\n---\\u200b 4321 ")
    '#1 --- 4321'
    """
    shown = (char if unicodedata.category(char)[0] not in "CZ" else " " for char in text or "")
    return unicodedata.normalize("NFC", " ".join("".join(shown).split()))[:longest].strip()


@frozen(kw_only=True)
class PartyData:
    """A person or company as a platform names it; nothing of it is ever printed."""

    reference: str = field(default="", repr=False)
    """The platform's own id of the customer."""
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: Address | None = field(default=None, repr=False)

    @property
    def destination(self) -> Destination | None:
        """Where goods for this party go, as far as rules must know."""
        if self.address is None or not self.address.country:
            return None
        return Destination(
            country=self.address.country,
            region=self.address.region,
            postal_code=self.address.postal_code,
        )

    def party(self, party: PartyId, *, version: int = 1) -> Party:
        """The same data as a version of one of the host's parties."""
        return Party(
            id=party,
            version=version,
            name=self.name,
            email=self.email,
            phone=self.phone,
            address=self.address,
        )
