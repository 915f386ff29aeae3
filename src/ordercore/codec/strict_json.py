"""
JSON from outside, read strictly, and a cursor that knows where it is.

The standard parser takes what no money should depend on: the last of two equal keys, ``NaN``,
``1e999``, floats, nesting until the stack ends. `loads` bounds size and depth before it parses,
keeps numbers exact and refuses the rest; `Reader` then takes typed fields and names the place of
a wrong one. Both raise one error, which never repeats what it read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Final, Generic, TypeAlias, TypeVar, cast

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.money import Currency, Money, UnknownCurrencyError

__all__ = ["JsonValue", "PayloadError", "Reader", "loads"]

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"
"""What a document is made of: numbers are ints or exact decimals, never floats."""

MAX_BYTES: Final = 2_000_000
MAX_DEPTH: Final = 64
MAX_NUMBER_LENGTH: Final = 40
MAX_EXPONENT: Final = 32
MAX_TEXT: Final = 5_000
MAX_ITEMS: Final = 100_000

# A string always matches, up to its end or the end of the text, so that the scan is linear.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?', re.DOTALL)
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]{0,39}")
_BAD_TEXT: Final = re.compile(r"[\x00\ud800-\udfff]")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_T = TypeVar("_T")


@define
class PayloadError(InvalidValueError):
    """The payload is not what it should be; ``path`` says where (``$.order.id``)."""

    sentence = "The payload cannot be used at {path}: {problem}."
    path: str
    problem: str


# --- parsing ------------------------------------------------------------------------------------


@frozen
class _Broken(Generic[_T]):
    """What stands in the place of a refused value until its path is known."""

    problem: str


def loads(raw: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """
    The JSON document in *raw*, read strictly.

    Args:
        raw: UTF-8 bytes, or text.
        max_bytes: The longest document that is looked at at all.
        max_depth: How deep objects and arrays may nest.

    Raises:
        PayloadError: No JSON, too large, too deep, a key twice in one object, a number that is
            not finite or too long, a NUL, a lone surrogate, or invalid UTF-8.

    Source:
        RULES M-2, X-1; RFC 8259.

    >>> loads('{"price": 19.99, "quantity": 3}')
    {'price': Decimal('19.99'), 'quantity': 3}
    """
    text = _checked_text(raw, max_bytes)
    if _is_deeper(text, max_depth):
        raise PayloadError("$", f"it nests deeper than {max_depth} levels")
    suspects: list[_Broken[object]] = []
    try:
        value = _decoder(suspects).decode(text)
    except json.JSONDecodeError as error:
        raise PayloadError("$", f"it is no JSON at character {error.pos}") from None
    if suspects or "\\u" in text:
        for path, problem in _problems(value, "$"):
            raise PayloadError(path, problem)
    return cast("JsonValue", value)


def _checked_text(raw: bytes | str, max_bytes: int) -> str:
    if type(raw) is not bytes and type(raw) is not str:
        raise PayloadError("$", f"it must be bytes or text, not {type(raw).__name__}")
    if len(raw) > max_bytes:
        raise PayloadError("$", f"it is longer than {max_bytes} bytes")
    if isinstance(raw, bytes):
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise PayloadError("$", f"it is no UTF-8 at byte {error.start}") from None
    if _BAD_TEXT.search(raw) is not None:
        raise PayloadError("$", "it has a NUL or a lone surrogate")
    if len(raw.encode()) > max_bytes:
        raise PayloadError("$", f"it is longer than {max_bytes} bytes")
    return raw


def _is_deeper(text: str, max_depth: int) -> bool:
    """Whether the brackets nest too deep, strings left out; without recursion."""
    brackets = _STRING.sub("", text).encode().translate(None, _NO_BRACKETS)
    depths = accumulate(memoryview(brackets.translate(_STEPS)).cast("b"))
    return any(map(max_depth.__lt__, depths))


def _decoder(suspects: list[_Broken[object]]) -> json.JSONDecoder:
    def broken(problem: str) -> _Broken[object]:
        suspects.append(_Broken(problem))
        return suspects[-1]

    def number(text: str) -> Decimal | _Broken[object]:
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) > MAX_NUMBER_LENGTH or len(exponent) > 6:
            return broken(f"the number is longer than {MAX_NUMBER_LENGTH} digits")
        if abs(int(exponent or "0")) > MAX_EXPONENT:
            return broken(f"the exponent of the number is beyond {MAX_EXPONENT}")
        return Decimal(text)

    def integer(text: str) -> int | _Broken[object]:
        if len(text) > MAX_NUMBER_LENGTH:
            return broken(f"the number is longer than {MAX_NUMBER_LENGTH} digits")
        return int(text)

    def members(pairs: list[tuple[str, object]]) -> dict[str, object] | _Broken[object]:
        result = dict(pairs)
        return result if len(result) == len(pairs) else broken("it has a key twice")

    return json.JSONDecoder(
        object_pairs_hook=members,
        parse_float=number,
        parse_int=integer,
        parse_constant=lambda _: broken("the number is not finite"),
    )


def _problems(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Where a value was refused, and why, in the order of the document."""
    if isinstance(value, _Broken):
        yield path, cast("_Broken[object]", value).problem
    elif isinstance(value, str):
        if _BAD_TEXT.search(value) is not None:
            yield path, "the text has a NUL or a lone surrogate"
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield from _problems(key, _at(path, key))
            yield from _problems(inner, _at(path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from _problems(inner, f"{path}[{index}]")


def _at(path: str, key: str) -> str:
    """The path of a member; a key that is no plain word is described, not repeated."""
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}.<{len(key)} characters>"


# --- reading ------------------------------------------------------------------------------------


def _members(value: object) -> Mapping[str, JsonValue]:
    return cast("Mapping[str, JsonValue]", value)


@frozen
class Reader:
    """
    A cursor on one object of a document; every error names its path.

    A field that is absent and one that is null are the same. ``optional_…`` returns ``None`` for
    both, the others refuse. Fields nobody asks for are left alone.

    >>> order = Reader.of(loads('{"id": 7, "price": "19.99"}'))
    >>> order.identifier("id"), order.money("price", Currency.of("EUR"))
    ('7', Money(1999, EUR))
    """

    fields: Mapping[str, JsonValue] = field(repr=False, converter=_members)
    path: str = "$"

    @classmethod
    def of(cls, value: JsonValue, path: str = "$") -> Reader:
        """A cursor on *value*, which must be an object."""
        if not isinstance(value, dict):
            raise PayloadError(path, "it must be an object")
        return cls(value, path)

    def at(self, name: str) -> str:
        """The path of a field."""
        return _at(self.path, name)

    def error(self, name: str, problem: str) -> PayloadError:
        """The error that says what is wrong with a field."""
        return PayloadError(self.at(name), problem)

    def raw(self, name: str) -> JsonValue:
        """The field as it stands in the document; ``None`` when absent."""
        return self.fields.get(name)

    def text(self, name: str, *, longest: int = MAX_TEXT) -> str:
        """A text of at most *longest* characters; it may be empty."""
        return self._required(name, self.optional_text(name, longest=longest))

    def optional_text(self, name: str, *, longest: int = MAX_TEXT) -> str | None:
        """A text of at most *longest* characters, or ``None``."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.error(name, "it must be text")
        if len(value) > longest:
            raise self.error(name, f"it is longer than {longest} characters")
        return value

    def identifier(self, name: str) -> str:
        """An id that the platform writes as a number or as a text."""
        return self._required(name, self.optional_identifier(name))

    def optional_identifier(self, name: str) -> str | None:
        """An id that the platform writes as a number or as a text; ``None`` for an empty one."""
        value = self.raw(name)
        if type(value) is int:
            return str(value)
        return self.optional_text(name, longest=200) or None

    def integer(self, name: str, *, least: int = 0, most: int = 10**12) -> int:
        """A whole number between *least* and *most*."""
        return self._required(name, self.optional_integer(name, least=least, most=most))

    def optional_integer(self, name: str, *, least: int = 0, most: int = 10**12) -> int | None:
        """A whole number between *least* and *most*, or ``None``."""
        value = self.raw(name)
        if value is None:
            return None
        if type(value) is not int:
            raise self.error(name, "it must be a whole number")
        if not least <= value <= most:
            raise self.error(name, f"it must lie between {least} and {most}")
        return value

    def boolean(self, name: str) -> bool:
        """True or false."""
        return self._required(name, self.optional_boolean(name))

    def optional_boolean(self, name: str) -> bool | None:
        """True, false or ``None``."""
        value = self.raw(name)
        if value is not None and type(value) is not bool:
            raise self.error(name, "it must be true or false")
        return value

    def decimal(self, name: str) -> Decimal:
        """An exact number, written as a number or as a text."""
        return self._required(name, self.optional_decimal(name))

    def optional_decimal(self, name: str) -> Decimal | None:
        """An exact number, written as a number or as a text, or ``None``."""
        value = self.raw(name)
        if value is None or isinstance(value, Decimal):
            return value
        if type(value) is int:
            return Decimal(value)
        if isinstance(value, str) and _DECIMAL.fullmatch(value) is not None:
            return Decimal(value)
        raise self.error(name, "it must be a number, such as 19.99")

    def fraction(self, name: str) -> Fraction:
        """A rate as an exact fraction: ``0.06`` is 3/50."""
        return Fraction(self.decimal(name))

    def currency(self, name: str) -> Currency:
        """A currency by its ISO 4217 code."""
        return self._required(name, self.optional_currency(name))

    def optional_currency(self, name: str) -> Currency | None:
        """A currency by its ISO 4217 code, or ``None``."""
        code = self.optional_text(name, longest=20)
        try:
            return None if code is None else Currency.of(code)
        except UnknownCurrencyError as error:
            raise self.error(name, "it is no currency code") from error

    def money(self, name: str, currency: Currency) -> Money:
        """An amount of major units, written as a text (``"19.99"``) or as a number."""
        return self._required(name, self.optional_money(name, currency))

    def optional_money(self, name: str, currency: Currency) -> Money | None:
        """An amount of major units, written as a text or as a number, or ``None``."""
        value = self.raw(name)
        if value is None:
            return None
        try:
            if isinstance(value, str):
                return Money.parse(value, currency)
            return Money.from_decimal(self.decimal(name), currency)
        except PayloadError:
            raise
        except InvalidValueError as error:
            raise self.error(name, str(error).removesuffix(".")) from error

    def instant(self, name: str, *, naive_is_utc: bool = False) -> datetime:
        """A moment in ISO 8601, as an aware instant in UTC."""
        return self._required(name, self.optional_instant(name, naive_is_utc=naive_is_utc))

    def optional_instant(self, name: str, *, naive_is_utc: bool = False) -> datetime | None:
        """
        A moment in ISO 8601, as an aware instant in UTC, or ``None``.

        Without an offset it is refused, unless *naive_is_utc* says what the platform means.
        """
        text = self.optional_text(name, longest=40)
        if text is None:
            return None
        match = _INSTANT.fullmatch(text)
        if match is None:
            raise self.error(name, "it must be a moment such as 2024-01-02T08:59:11Z")
        if match[1] is None and not naive_is_utc:
            raise self.error(name, "it needs an offset from UTC")
        try:
            moment = datetime.fromisoformat(text)
            aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.error(name, "it is no moment of the calendar") from None

    def reader(self, name: str) -> Reader:
        """A cursor on the object in a field."""
        return self._required(name, self.optional_reader(name))

    def optional_reader(self, name: str) -> Reader | None:
        """A cursor on the object in a field, or ``None``."""
        value = self.raw(name)
        return None if value is None else Reader.of(value, self.at(name))

    def items(self, name: str, *, most: int = MAX_ITEMS) -> tuple[Reader, ...]:
        """Cursors on the objects of an array."""
        if self.raw(name) is None:
            raise self.error(name, "it is missing")
        return self.optional_items(name, most=most)

    def optional_items(self, name: str, *, most: int = MAX_ITEMS) -> tuple[Reader, ...]:
        """Cursors on the objects of an array; none when there is no array."""
        return self._array(name, most, Reader.of)

    def optional_texts(self, name: str, *, most: int = MAX_ITEMS) -> tuple[str, ...]:
        """The texts of an array; none when there is no array."""
        return self._array(name, most, _text)

    def _array(self, name: str, most: int, read: Callable[[JsonValue, str], _T]) -> tuple[_T, ...]:
        value = self.raw(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.error(name, "it must be an array")
        if len(value) > most:
            raise self.error(name, f"it has more than {most} entries")
        return tuple(read(item, f"{self.at(name)}[{index}]") for index, item in enumerate(value))

    def _required(self, name: str, value: _T | None) -> _T:
        if value is None:
            raise self.error(name, "it is missing")
        return value


def _text(value: JsonValue, path: str) -> str:
    if not isinstance(value, str):
        raise PayloadError(path, "it must be text")
    if len(value) > MAX_TEXT:
        raise PayloadError(path, f"it is longer than {MAX_TEXT} characters")
    return value
