"""The strict reader of JSON from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercore.codec.strict_json import JsonValue, PayloadError, Reader, loads
from ordercore.errors import InvalidValueError
from ordercore.money import EUR, JPY, Currency, Money


def read(text: str) -> Reader:
    return Reader.of(loads(text))


def test_a_document_keeps_its_numbers_exact() -> None:
    """Numbers become ints and decimals with the digits that stand there, never floats."""
    assert {
        "a": [1, Decimal("19.990"), Decimal("1E+2"), -7],
        "b": {"c": None, "d": True, "e": "é"},
    } == loads(b'{"a": [1, 19.990, 1e2, -7], "b": {"c": null, "d": true, "e": "\xc3\xa9"}}')


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ('{"a": {"qty": 1, "qty": -5}}', "$.a"),
        ('{"a": [1, NaN]}', "$.a[1]"),
        ('{"a": Infinity}', "$.a"),
        ('{"a": -Infinity}', "$.a"),
        ('{"a": 1e999}', "$.a"),
        ('{"a": 1E+2000000}', "$.a"),
        ('{"a": 1e-50000000}', "$.a"),
        ('{"a": 1e99999999999999999999}', "$.a"),
        ('{"a": 0.' + "1" * 5_000 + "}", "$.a"),
        ('{"a": {"b": ' + "9" * 5_000 + "}}", "$.a.b"),
        (r'{"a": "\ud800"}', "$.a"),
        (r'{"a": ["x", "a\u0000b"]}', "$.a[1]"),
        (r'{"a\u0000": 1}', "$.<2 characters>"),
        ('{"a": "\x00"}', "$"),
        ('{"a": "\ud800"}', "$"),
        ('{"a": "tab\tinside"}', "$"),
        (b'{"a": "\xff"}', "$"),
        (b"\xef\xbb\xbf{}", "$"),
        (b"\xff\xfe{\x00}\x00", "$"),
        ("", "$"),
        ("{", "$"),
        ("{'a': 1}", "$"),
        ('{"a": 1,}', "$"),
        ('{"a": 01}', "$"),
        ('{"a": +1}', "$"),
        ('{"a": 1} {"b": 2}', "$"),
    ],
)
def test_what_the_standard_parser_would_take_is_refused(raw: bytes | str, path: str) -> None:
    """Ambiguous, unbounded or broken documents are refused with the place of the fault."""
    with pytest.raises(PayloadError) as caught:
        loads(raw)
    assert path == caught.value.path
    assert isinstance(caught.value, InvalidValueError)


@pytest.mark.parametrize(
    "raw",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000,
        '"' + '\\"' * 900_000,
        '{"a": "' + "x" * 2_000_001,
        "[" + "[]," * 60_000,
        '["' + "\\",
    ],
    ids=["open", "nested", "objects", "escaped quotes", "too long", "wide", "half an escape"],
)
def test_hostile_documents_cost_little(raw: str) -> None:
    """Depth and size are bounded before parsing, in linear time."""
    started = time.process_time()
    with pytest.raises(PayloadError):
        loads(raw)
    assert time.process_time() - started < 1


def test_the_bounds_are_exact() -> None:
    """A document exactly as long and as deep as allowed is read."""
    assert loads("[[[]]]", max_depth=3, max_bytes=6) == [[[]]]
    with pytest.raises(PayloadError, match="deeper than 2"):
        loads("[[[]]]", max_depth=2)
    with pytest.raises(PayloadError, match="longer than 5 bytes"):
        loads("[[[]]]", max_bytes=5)
    with pytest.raises(PayloadError, match="longer than 3 bytes"):
        loads('"é"', max_bytes=3)


def test_brackets_inside_strings_do_not_nest() -> None:
    """Only structure counts as depth."""
    assert loads(r'{"a": "[[[\"[[{{"}', max_depth=1) == {"a": '[[["[[{{'}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**30), 10**30)
        | st.text(alphabet=list('aé[{"\\')),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(alphabet="ab{", max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_good_documents_come_through_unchanged(document: JsonValue) -> None:
    """Whatever the standard library writes without floats is read back equal."""
    assert document == loads(json.dumps(document))
    assert document == loads(json.dumps(document, ensure_ascii=False).encode())


def test_other_types_are_refused() -> None:
    """Only bytes and text are documents."""
    with pytest.raises(PayloadError, match="not bytearray"):
        loads(bytearray(b"{}"))  # type: ignore[arg-type]  # that is the point


ORDER = """{"order": {"id": 450789469, "name": "#1001", "taxes_included": false, "note": null,
"updated_at": "2008-01-10T11:00:00-05:00", "naive": "2017-03-22T19:28:08",
"total": "598.94", "subtotal": 195.66, "yen": 1200, "rate": 0.06, "currency": "EUR",
"tags": ["a", "b"], "line_items": [{"price": "1.00"}, {"price": "1,00", "odd key": {"x": 1}}]}}"""


def test_the_reader_gives_typed_fields() -> None:
    """Each kind of field is read into its exact type."""
    order = read(ORDER).reader("order")
    assert order.identifier("id") == "450789469"
    assert order.text("name") == "#1001"
    assert order.boolean("taxes_included") is False
    assert datetime(2008, 1, 10, 16, tzinfo=UTC) == order.instant("updated_at")
    assert datetime(2017, 3, 22, 19, 28, 8, tzinfo=UTC) == order.instant("naive", naive_is_utc=True)
    assert Money(59894, EUR) == order.money("total", EUR)
    assert Money(19566, EUR) == order.money("subtotal", EUR)
    assert Money(1200, JPY) == order.money("yen", JPY)
    assert Decimal("598.94") == order.decimal("total")
    assert Decimal(1200) == order.decimal("yen")
    assert Fraction(3, 50) == order.fraction("rate")
    assert EUR is order.currency("currency")
    assert order.optional_texts("tags") == ("a", "b")
    assert [line.path for line in order.items("line_items")] == [
        "$.order.line_items[0]",
        "$.order.line_items[1]",
    ]


def test_absent_and_null_are_the_same() -> None:
    """Optional fields are ``None`` or empty; the others refuse with their path."""
    order = read(ORDER).reader("order")
    assert order.optional_text("note") is None
    assert order.optional_text("nothing") is None
    assert order.optional_identifier("nothing") is None
    assert order.optional_integer("nothing") is None
    assert order.optional_boolean("nothing") is None
    assert order.optional_decimal("nothing") is None
    assert order.optional_currency("nothing") is None
    assert order.optional_money("nothing", EUR) is None
    assert order.optional_instant("nothing") is None
    assert order.optional_reader("nothing") is None
    assert order.optional_items("nothing") == ()
    with pytest.raises(PayloadError, match=r"\$\.order\.note: it is missing"):
        order.text("note")
    with pytest.raises(PayloadError, match=r"\$\.order\.nothing: it is missing"):
        order.items("nothing")


WRONG: Final[list[tuple[Callable[[Reader], object], str]]] = [
    (lambda order: order.text("id"), "$.order.id"),
    (lambda order: order.text("name", longest=3), "$.order.name"),
    (lambda order: order.identifier("rate"), "$.order.rate"),
    (lambda order: order.identifier("taxes_included"), "$.order.taxes_included"),
    (lambda order: order.integer("total"), "$.order.total"),
    (lambda order: order.integer("rate"), "$.order.rate"),
    (lambda order: order.integer("taxes_included"), "$.order.taxes_included"),
    (lambda order: order.integer("id", most=10), "$.order.id"),
    (lambda order: order.boolean("id"), "$.order.id"),
    (lambda order: order.decimal("name"), "$.order.name"),
    (lambda order: order.decimal("taxes_included"), "$.order.taxes_included"),
    (lambda order: order.currency("name"), "$.order.name"),
    (lambda order: order.money("rate", JPY), "$.order.rate"),
    (lambda order: order.money("total", JPY), "$.order.total"),
    (lambda order: order.money("name", EUR), "$.order.name"),
    (lambda order: order.money("taxes_included", EUR), "$.order.taxes_included"),
    (lambda order: order.items("line_items")[1].money("price", EUR), "$.order.line_items[1].price"),
    (
        lambda order: order.items("line_items")[1].reader("odd key").text("x"),
        "$.order.line_items[1].<7 characters>.x",
    ),
    (lambda order: order.items("tags"), "$.order.tags[0]"),
    (lambda order: order.items("name"), "$.order.name"),
    (lambda order: order.items("line_items", most=1), "$.order.line_items"),
    (lambda order: order.optional_texts("line_items"), "$.order.line_items[0]"),
    (lambda order: order.reader("tags"), "$.order.tags"),
    (lambda order: order.instant("naive"), "$.order.naive"),
    (lambda order: order.instant("name"), "$.order.name"),
]


@pytest.mark.parametrize(("take", "path"), WRONG)
def test_a_wrong_field_names_its_path(take: Callable[[Reader], object], path: str) -> None:
    """Every refusal of the reader is a `PayloadError` at the path of the field."""
    with pytest.raises(PayloadError) as caught:
        take(read(ORDER).reader("order"))
    assert path == caught.value.path


@pytest.mark.parametrize(
    "text",
    ["2008-02-30T11:00:00Z", "0001-01-01T00:00:00+23:00", "2008-01-10T11:00:00+99:99",
     "٢٠٠٨-01-10T11:00:00Z", "2008-01-10", "now"],
)  # fmt: skip
def test_moments_outside_the_calendar_are_refused(text: str) -> None:
    """Whatever the shape, only real moments are instants."""
    with pytest.raises(PayloadError):
        Reader.of({"at": text}).instant("at")


def test_a_document_that_is_no_object_is_refused() -> None:
    """A cursor stands on objects only."""
    with pytest.raises(PayloadError, match=r"at \$: it must be an object"):
        read("[1]")


def test_neither_the_error_nor_the_cursor_repeats_the_payload() -> None:
    """What was read may be personal, so no message and no ``repr`` shows it."""
    order = Reader.of({"secret key of ann": "ann@example.com", "price": "ann@example.com"})
    assert "ann@" not in repr(order)
    with pytest.raises(PayloadError) as caught:
        order.integer("secret key of ann")
    assert "of ann" not in str(caught.value)
    with pytest.raises(PayloadError) as caught:
        order.money("price", Currency.of("EUR"))
    assert "ann@" not in str(caught.value)
