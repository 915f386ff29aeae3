"""
Values of any stored type, made from the type alone: for golden files and laws of the codec.

What a class refuses at construction is thrown away, so every value is one that could be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any, Final, TypeVar, cast

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ordercore.codec._kinds import (
    Choice,
    Constants,
    Enumerated,
    Fixed,
    Leaf,
    Many,
    Maybe,
    Open,
    Record,
    Slot,
    Table,
    kind_of,
)
from ordercore.codec.policies import classes_of
from ordercore.errors import OrderCoreError
from ordercore.ids import (
    CreditId,
    DocumentNumber,
    ItemId,
    LineId,
    OrderId,
    PartyId,
    Sku,
)
from ordercore.invoice.model import (
    Document,
    DocumentCharge,
    DocumentKind,
    DocumentLine,
    DocumentScope,
    DocumentTax,
    group_taxes,
    total_up,
)
from ordercore.money import EUR, JPY, Currency, Money
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditPart

__all__ = ["values_of"]

_Value = TypeVar("_Value")

TEXT: Final = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12
)
SMALL: Final = st.integers(0, 20)
INSTANTS: Final = st.timedeltas(timedelta(0), timedelta(days=36_500)).map(
    lambda since: datetime(2000, 1, 1, tzinfo=UTC) + since
)

LEAVES: Final[Mapping[type, SearchStrategy[Any]]] = {
    str: TEXT,
    int: st.integers(1, 9) | SMALL | st.integers(-5, 10**6),
    bool: st.booleans(),
    Money: st.builds(Money, st.integers(0, 10**6) | st.integers(-99, 99), st.just(EUR)),
    Currency: st.sampled_from([EUR, JPY]),
    Fraction: st.fractions(0, 1, max_denominator=1000),
    datetime: INSTANTS,
    date: st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    time: st.times(),
    timedelta: st.timedeltas(timedelta(0), timedelta(days=400)),
    SlotSet: st.frozensets(SMALL, max_size=5).map(SlotSet.from_slots),
}


_KNOWN: dict[object, SearchStrategy[Any]] = {}


def values_of(kind: type[_Value]) -> SearchStrategy[_Value]:
    """Any value of this type that its class accepts."""
    return cast("SearchStrategy[_Value]", _of(kind))


def _made(declared: object) -> SearchStrategy[Any]:
    match kind_of(declared):
        case Leaf(type=type_):
            return LEAVES[type_]
        case Enumerated(type=type_):
            return st.sampled_from(list(type_))
        case Constants(values=values):
            return st.sampled_from(values)
        case Record(type=type_, slots=slots):
            return _records(type_, slots)
        case Choice() | Open() as union:
            plain = union.plain if isinstance(union, Choice) else ()
            return st.one_of(*(_of(one) for one in (*classes_of(union).values(), *plain)))
        case collection:
            return _collections(collection)


def _of(declared: object) -> SearchStrategy[Any]:
    """Values of a declared type; made when they are drawn, since types may hold themselves."""
    if declared not in _KNOWN:
        _KNOWN[declared] = st.deferred(lambda: _made(declared))
    return _KNOWN[declared]


def _collections(kind: Maybe | Many | Fixed | Table) -> SearchStrategy[Any]:
    match kind:
        case Maybe(inner=inner):
            return st.none() | _of(inner)
        case Many(item=item, make=make):
            return st.lists(_of(item), max_size=3).map(make)
        case Fixed(items=items):
            return st.tuples(*(_of(item) for item in items))
        case Table(key=key, value=value):
            return st.dictionaries(_of(key), _of(value), max_size=3)


COMPONENTS: Final = st.sampled_from(["goods", "tax", "shipping", "fee", "promotion"])
LINES: Final = TEXT.map(LineId)


def _documents(draw: st.DrawFn) -> Document:
    """Documents whose totals are those of their lines."""
    lines = draw(st.lists(_of(DocumentLine), min_size=1, max_size=2).map(tuple))
    charges = draw(st.lists(_of(DocumentCharge), max_size=2).map(tuple))
    zero = Money.zero(EUR)
    kind = draw(st.sampled_from(list(DocumentKind)))
    return Document(
        kind=kind,
        scope=draw(_of(DocumentScope)),
        currency=EUR,
        issued_on=draw(_of(date)),
        buyer=draw(st.none() | st.tuples(TEXT.map(PartyId), SMALL)),
        lines=lines,
        charges=charges,
        groups=group_taxes((*lines, *charges), EUR),
        totals=total_up(lines, charges, prepaid=zero, rounding=zero),
        refers_to=(DocumentNumber("INV-1"),),
        credits=draw(_of(tuple[tuple[OrderId, CreditId], ...])),
        note=draw(TEXT),
    )


def _credit_parts(draw: st.DrawFn) -> CreditPart:
    """Parts of a credit, some with slots of a line."""
    return CreditPart(
        component=draw(COMPONENTS),
        code=draw(TEXT),
        line=draw(LINES),
        slots=draw(_of(SlotSet)),
        amount=draw(_of(Money)),
        adjusts=draw(st.booleans()),
        rule=draw(TEXT),
    )


def _document_lines(draw: st.DrawFn) -> DocumentLine:
    """Lines whose quantity is that of their slots."""
    slots = draw(_of(SlotSet).filter(bool))
    return DocumentLine(
        order=draw(TEXT.map(OrderId)),
        line=draw(LINES),
        slots=slots,
        item=draw(TEXT.map(ItemId)),
        sku=draw(TEXT.map(Sku)),
        quantity=len(slots),
        list_amount=draw(_of(Money)),
        net=draw(_of(Money)),
        taxes=draw(_of(tuple[DocumentTax, ...])),
        serials=draw(_of(tuple[str, ...])),
    )


OWN: Final[Mapping[type, Callable[[st.DrawFn], object]]] = {
    CreditPart: _credit_parts,
    Document: _documents,
    DocumentLine: _document_lines,
}
"""Classes whose fields must fit together."""


def _records(kind: type, slots: tuple[Slot, ...]) -> SearchStrategy[Any]:
    aliases = {field.name: str(field.alias) for field in attrs.fields(kind)}

    @st.composite
    def made(draw: st.DrawFn) -> object:
        if kind in OWN:
            return OWN[kind](draw)
        for _ in range(8):
            fields: dict[str, object] = {}
            for slot in slots:
                if slot.default is attrs.NOTHING or draw(st.booleans()):
                    fields[aliases[slot.name]] = draw(_of(slot.type))
            try:
                return kind(**fields)
            except OrderCoreError:
                continue
        return draw(st.nothing())

    return made()
