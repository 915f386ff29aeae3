"""
XML from outside, read safely, and a cursor that knows where it is.

Documents with a DOCTYPE are refused before anything in it is looked at, so there are no entities
to expand and no files to fetch. Size, depth and number of elements are bounded while parsing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Final
from xml.parsers import expat

from attrs import define, field

from ordercore.codec.strict_json import PayloadError
from ordercore.errors import InvalidValueError
from ordercore.money import Currency, Money

__all__ = ["Element", "parse"]

MAX_BYTES: Final = 5_000_000
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 200_000

_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)


@define(eq=False)
class Element:
    """One element; names are written with the prefixes that the reader chose."""

    name: str
    path: str
    attributes: Mapping[str, str] = field(repr=False)
    parts: list[str] = field(factory=list[str], repr=False)
    children: list[Element] = field(factory=list["Element"], repr=False)

    @property
    def text(self) -> str:
        """The text between its tags, without the blanks around it."""
        return "".join(self.parts).strip()

    def error(self, problem: str) -> PayloadError:
        """The error that says what is wrong here."""
        return PayloadError(self.path, problem)

    def all(self, name: str) -> Iterator[Element]:
        """Its children of this name."""
        return (child for child in self.children if child.name == name)

    def find(self, *names: str) -> Element | None:
        """The one element that these names lead to; ``None`` when there is none."""
        found: Element | None = self
        for name in names:
            several = [] if found is None else list(found.all(name))
            if len(several) > 1:
                raise several[1].error("it may stand there once only")
            found = several[0] if several else None
        return found

    def get(self, *names: str) -> Element:
        """The one element that these names lead to."""
        found = self.find(*names)
        if found is None:
            raise PayloadError("/".join((self.path, *names)), "it is missing")
        return found

    def text_of(self, *names: str) -> str:
        """The text of the element that these names lead to; empty when there is none."""
        found = self.find(*names)
        return "" if found is None else found.text

    @property
    def decimal(self) -> Decimal:
        """Its text as an exact number."""
        if _DECIMAL.fullmatch(self.text) is None:
            raise self.error("it must be a number, such as 19.99")
        return Decimal(self.text)

    @property
    def day(self) -> date:
        """Its text as a date."""
        match = _DATE.fullmatch(self.text)
        try:
            return date.fromisoformat(match[1] if match is not None else "")
        except ValueError:
            raise self.error("it must be a date such as 2026-07-01") from None

    def money(self, currency: Currency) -> Money:
        """Its text as an amount; ``currencyID`` must be this currency."""
        if self.attributes.get("currencyID") != currency.code:
            raise self.error(f"its currencyID must be {currency.code}")
        try:
            return Money.from_decimal(self.decimal, currency)
        except PayloadError:
            raise
        except InvalidValueError as error:
            raise self.error(str(error).removesuffix(".")) from error


def parse(raw: bytes, *, prefixes: Mapping[str, str], max_bytes: int = MAX_BYTES) -> Element:
    """
    The root element of a document.

    Args:
        raw: The bytes of the document; it says its encoding itself.
        prefixes: How names of a namespace are written here, by its URI.
        max_bytes: The longest document that is looked at at all.

    Raises:
        PayloadError: No XML, too large, too deep, or with a DOCTYPE.
    """
    if type(raw) is not bytes:
        raise PayloadError("/", f"it must be bytes, not {type(raw).__name__}")
    if len(raw) > max_bytes:
        raise PayloadError("/", f"it is longer than {max_bytes} bytes")
    builder = _Builder(prefixes)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset}"
        raise PayloadError("/", f"it is no XML at {place}") from None
    except (LookupError, UnicodeError):
        raise PayloadError("/", "its encoding is not known") from None
    return builder.roots[0]


@define
class _Builder:
    """Builds the tree while the parser calls."""

    prefixes: Mapping[str, str]
    roots: list[Element] = field(factory=list[Element])
    open: list[Element] = field(factory=list[Element])
    seen: Counter[tuple[str, str]] = field(factory=Counter[tuple[str, str]])
    count: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        uri, _, local = name.rpartition(" ")
        prefix = self.prefixes.get(uri, "?")
        short = f"{prefix}:{local}" if prefix else local
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise PayloadError("/", f"it has more than {MAX_ELEMENTS} elements")
        if len(self.open) >= MAX_DEPTH:
            raise PayloadError("/", f"it nests deeper than {MAX_DEPTH} elements")
        siblings = self.open[-1].children if self.open else self.roots
        parent = self.open[-1].path if self.open else ""
        self.seen[parent, short] += 1
        place = self.seen[parent, short]
        path = f"{parent}/{short}" if place == 1 else f"{parent}/{short}[{place}]"
        element = Element(short, path, attributes)
        siblings.append(element)
        self.open.append(element)

    def end(self, name: str) -> None:
        del name
        self.open.pop()

    def data(self, text: str) -> None:
        self.open[-1].parts.append(text)

    def doctype(self, *declaration: object) -> None:
        del declaration
        raise PayloadError("/", "it has a DOCTYPE, which is not read here")
