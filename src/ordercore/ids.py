"""
Identifiers: opaque text in one normal form. Nothing is generated here.

Every id is a ``NewType`` of ``str``, so that a type checker keeps a line id out of an order id's
place. `checked_id` is the one door for text from outside; attrs models use the converters below.
"""

from __future__ import annotations

import unicodedata
from typing import Final, NewType, TypeVar

from attrs import define

from ordercore.errors import InvalidValueError

__all__ = [
    "LONGEST_ORDER_ID",
    "Actor",
    "CommitId",
    "CreditId",
    "DocumentNumber",
    "FulfilmentId",
    "HoldKind",
    "InvalidIdentifierError",
    "ItemId",
    "Key",
    "LineId",
    "LocationId",
    "OrderId",
    "ParcelId",
    "PartyId",
    "Reference",
    "ReturnId",
    "Series",
    "Sku",
    "StreamId",
    "TenderId",
    "checked_id",
]

MAX_ID_LENGTH: Final = 200
LONGEST_ORDER_ID: Final = 150
"""Ids of work, credits and references are made of that of an order: there is room for them."""
LONGEST_SPELLING: Final = 4
"""How many characters may spell one of the normal form; more are not even looked at."""

StreamId = NewType("StreamId", str)
"""The id of one list of facts: an order, an inventory operation, a credit account."""
OrderId = NewType("OrderId", str)
LineId = NewType("LineId", str)
ItemId = NewType("ItemId", str)
"""A stock item: opaque, never renamed (RULES I-1)."""
Sku = NewType("Sku", str)
"""The shop's own name of an item: an attribute that may change."""
LocationId = NewType("LocationId", str)
PartyId = NewType("PartyId", str)
TenderId = NewType("TenderId", str)
FulfilmentId = NewType("FulfilmentId", str)
ParcelId = NewType("ParcelId", str)
ReturnId = NewType("ReturnId", str)
CreditId = NewType("CreditId", str)
CommitId = NewType("CommitId", str)
Key = NewType("Key", str)
"""An idempotency key."""
Reference = NewType("Reference", str)
"""What the outside calls a thing: a gateway's or carrier's own id."""
Series = NewType("Series", str)
"""A row of document numbers, such as ``INV-2026``."""
DocumentNumber = NewType("DocumentNumber", str)
HoldKind = NewType("HoldKind", str)
Actor = NewType("Actor", str)
"""Who did it: ``customer:42``, ``staff:ann``, ``system``."""

_Id = TypeVar("_Id", bound=str)


@define
class InvalidIdentifierError(InvalidValueError):
    """The text cannot be an identifier."""

    sentence = "{name} is not a usable identifier: {problem}."
    name: str
    problem: str


def checked_id(value: object, name: str = "id", *, longest: int = MAX_ID_LENGTH) -> str:
    """
    The one normal form (NFC) of an identifier; it is the normal form of itself.

    The length is that of the normal form, so that what was accepted once is accepted again.

    Raises:
        InvalidIdentifierError: No text, empty, longer than *longest*, surrounded by blanks, or
            with a control, format, surrogate or unassigned character.

    >>> checked_id("IPOD2008GREEN")
    'IPOD2008GREEN'
    """
    if type(value) is not str:
        raise InvalidIdentifierError(name, "it must be text")
    normal = value
    if not value.isascii() and len(value) <= LONGEST_SPELLING * longest:
        if not _is_clean(value):
            raise InvalidIdentifierError(name, "it has an invisible character")
        normal = unicodedata.normalize("NFC", value)
    if not 0 < len(normal) <= longest:
        raise InvalidIdentifierError(name, f"it must have 1 to {longest} characters")
    if normal[0] == " " or normal[-1] == " ":
        raise InvalidIdentifierError(name, "it begins or ends with a blank")
    if normal.isascii() and not normal.isprintable():
        raise InvalidIdentifierError(name, "it has an invisible character")
    return normal


def _is_clean(value: str) -> bool:
    return all(unicodedata.category(char)[0] not in "CZ" or char == " " for char in value)
