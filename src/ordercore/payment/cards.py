"""
Card numbers: found so that they can be kept out (RULES PAY-8).

No type here has room for one. A number is plausible when it has the beginning and the length of a
known brand and passes the Luhn check; so most references of gateways, and most serial numbers,
are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from attrs import define

from ordercore.errors import InvalidValueError

__all__ = [
    "CardNumberError",
    "looks_like_card",
    "mask_card_numbers",
    "reference_without_card",
    "without_card_number",
]

_MASK: Final = "[card number removed]"
_DIGITS: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z])")
_GAP: Final = re.compile(r"[\W_]{1,3}")
_MOST_DIGITS: Final = 19
_BRANDS: Final = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}"  # Visa: 13, 16 or 19 digits
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-59]|[689][0-9])[0-9]{11}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}"  # Discover, RuPay
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:50|5[6-8]|6[0-9])[0-9]{10,17}"  # Maestro and its kin
)
_WRITTEN: Final = re.compile(
    r"(?<![0-9A-Za-z])(?=("
    r"[0-9]{15,16}|[0-9]{4}([ -])[0-9]{4}\2[0-9]{4}\2[0-9]{4}|[0-9]{4}([ -])[0-9]{6}\3[0-9]{5}"
    r")(?![0-9A-Za-z]))"
)
"""Digits as they stand on a card, so that they are not looked for in any other grouping."""
_MAJOR: Final = re.compile(
    r"4[0-9]{15}"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}"
)
"""Visa, Mastercard and American Express."""


@define
class CardNumberError(InvalidValueError):
    """A text looks like a card number; the text itself is not kept."""

    sentence = "{name} looks like a card number; pass the gateway's token or reference instead."
    name: str


def _plain(text: str) -> str:
    """The same text, character by character, with every digit of any script in ASCII."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    total = sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)
    return total % 10 == 0


def _is_card(digits: str) -> bool:
    return _BRANDS.fullmatch(digits) is not None and _passes_luhn(digits)


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """
    Where the card numbers stand: groups of digits with at most three other signs between them.

    Every group may be the first of a number, so digits around one do not hide it.
    """
    plain = _plain(text)
    groups = list(_DIGITS.finditer(plain))
    end = 0
    for at, first in enumerate(groups):
        if first.start() >= end:
            stop = _end_of_card(plain, groups, at)
            if stop:
                yield first.start(), stop
                end = stop


def _end_of_card(plain: str, groups: list[re.Match[str]], at: int) -> int:
    """Where the longest card number ends that begins with this group; 0 where none does."""
    digits, last, found = "", groups[at].start(), 0
    for group in groups[at : at + _MOST_DIGITS]:
        if digits and _GAP.fullmatch(plain, last, group.start()) is None:
            break
        digits += group[0]
        last = group.end()
        if len(digits) > _MOST_DIGITS:
            break
        if _is_card(digits):
            found = last
    return found


def looks_like_card(text: str) -> bool:
    """
    Whether *text* has a plausible card number in it.

    Source:
        RULES PAY-8.

    >>> looks_like_card("4111 1111 1111 1111"), looks_like_card("8815 6589 6176 5250")
    (True, False)
    """
    return any(True for _ in _cards(text))


def mask_card_numbers(text: str) -> str:
    """
    *text* with every plausible card number replaced; for notes.

    Source:
        RULES PAY-8.

    >>> mask_card_numbers("paid with 4111-1111-1111-1111, thanks")
    'paid with [card number removed], thanks'
    """
    pieces: list[str] = []
    end = 0
    for start, stop in _cards(text):
        pieces += [text[end:start], _MASK]
        end = stop
    return "".join([*pieces, text[end:]])


def without_card_number(text: str, name: str) -> str:
    """
    *text* itself, unless it looks like a card number.

    Raises:
        CardNumberError: It does; the error does not repeat it.
    """
    if looks_like_card(text):
        raise CardNumberError(name)
    return text


def reference_without_card(text: str) -> str:
    """
    The name that another system gave an order, unless it is a number of the major brands.

    Stricter in what counts than `without_card_number`: ids of shops and channels are long numbers
    too, and some pass the Luhn check. Only 15 or 16 digits of Visa, Mastercard or American Express
    count, in one piece or in groups as on the card.

    Raises:
        CardNumberError: It is one; the error does not repeat it.

    Source:
        RULES PAY-8.

    >>> reference_without_card("902-1845936-5435065"), reference_without_card("450789469")
    ('902-1845936-5435065', '450789469')
    """
    for found in _WRITTEN.finditer(_plain(text)):
        digits = found[1].replace(" ", "").replace("-", "")
        if _MAJOR.fullmatch(digits) is not None and _passes_luhn(digits):
            raise CardNumberError("the reference")
    return text
