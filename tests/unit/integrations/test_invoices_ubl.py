"""UBL invoices: the published ones that are valid, and ones that are not."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from ordercore.codec.strict_json import PayloadError
from ordercore.integrations.imports import Check
from ordercore.integrations.invoices_ubl import BASE_RULES, read_invoice
from ordercore.money import EUR, Money

UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
CATEGORY: Final = "<cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent>"
PARTY: Final = (
    "<cac:Party><cac:PartyLegalEntity><cbc:RegistrationName>Ann Lee Ltd"
    "</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>"
)
LINE: Final = (
    "<cac:InvoiceLine><cbc:ID>1</cbc:ID>"
    '<cbc:InvoicedQuantity unitCode="C62">2</cbc:InvoicedQuantity>'
    '<cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>'
    f"<cac:Item><cbc:Name>Pen</cbc:Name><cac:ClassifiedTaxCategory>{CATEGORY}"
    '</cac:ClassifiedTaxCategory></cac:Item><cac:Price><cbc:PriceAmount currencyID="EUR">50'
    "</cbc:PriceAmount></cac:Price></cac:InvoiceLine>"
)
ALLOWANCES: Final = "".join(
    f"<cac:AllowanceCharge><cbc:ChargeIndicator>{charge}</cbc:ChargeIndicator>"
    f'<cbc:Amount currencyID="EUR">{amount}</cbc:Amount>'
    f"<cac:TaxCategory>{CATEGORY}</cac:TaxCategory></cac:AllowanceCharge>"
    for charge, amount in (("false", "10.00"), ("true", "5.00"))
)
TOTALS: Final = {
    "LineExtensionAmount": "100.00",
    "TaxExclusiveAmount": "95.00",
    "TaxInclusiveAmount": "113.05",
    "AllowanceTotalAmount": "10.00",
    "ChargeTotalAmount": "5.00",
    "PrepaidAmount": "13.00",
    "PayableRoundingAmount": "-0.05",
    "PayableAmount": "100.00",
}


def tags(amounts: dict[str, str]) -> str:
    """Amounts as elements."""
    return "".join(
        f'<cbc:{name} currencyID="EUR">{amount}</cbc:{name}>' for name, amount in amounts.items()
    )


def invoice(
    lines: str = LINE, head: str = "", base: str = "95.00", tax: str = "18.05", **totals: str
) -> bytes:
    """A valid invoice over 113.05, of which 13.00 are paid, with these parts changed."""
    subtotal = f"{tags({'TaxableAmount': base, 'TaxAmount': tax})}"
    return (
        f'<Invoice xmlns="{UBL}Invoice-2" xmlns:cac="{UBL}CommonAggregateComponents-2"'
        f' xmlns:cbc="{UBL}CommonBasicComponents-2">'
        f"<cbc:ID>R-1</cbc:ID><cbc:IssueDate>2026-07-01</cbc:IssueDate>"
        f"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"
        f"<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>{head}"
        f"<cac:AccountingSupplierParty>{PARTY}</cac:AccountingSupplierParty>"
        f"<cac:AccountingCustomerParty>{PARTY}</cac:AccountingCustomerParty>{ALLOWANCES}"
        f"<cac:TaxTotal>{tags({'TaxAmount': totals.pop('TaxTotal', '18.05')})}<cac:TaxSubtotal>"
        f"{subtotal}<cac:TaxCategory>{CATEGORY}</cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>"
        f"<cac:LegalMonetaryTotal>{tags({**TOTALS, **totals})}</cac:LegalMonetaryTotal>{lines}"
        "</Invoice>"
    ).encode()


@pytest.mark.parametrize(
    ("name", "number", "lines", "payable"),
    [
        ("01.01a", "123456XX", 2, 33690),
        ("01.02a", "123456", 1, 1260),
        ("01.14a", "1234567", 2, 1282969),
        ("01.20a", "1234567890", 2, 35700),
        ("02.01a", "1234567", 2, 1282969),
        ("03.01a", "123456789", 14, -22514),
        ("03.05a", "123456789", 3, 5317159),
    ],
)
def test_the_published_invoices_are_free_of_discrepancies(
    shared_data: Path, name: str, number: str, lines: int, payable: int
) -> None:
    """Invoices that the validator of EN 16931 accepts are accepted here."""
    read = read_invoice(
        (shared_data / "invoices" / f"xrechnung__{name}_INVOICE_ubl.xml").read_bytes()
    )
    assert (number, lines, Money(payable, EUR), ()) == (
        read.number,
        len(read.lines),
        read.totals.payable,
        read.discrepancies,
    )


def test_an_invoice_is_read_with_all_its_parts(shared_data: Path) -> None:
    """Lines with their prices, groups, people and references."""
    raw = (shared_data / "invoices" / "xrechnung__03.05a_INVOICE_ubl.xml").read_bytes()
    read = read_invoice(raw)
    first = read.lines[0]
    assert (Decimal(31), "DAY", Decimal("386.52"), Decimal(366), Money(3274, EUR)) == (
        first.quantity,
        first.unit,
        first.price,
        first.price_for,
        first.net,
    )
    assert ("S", Fraction(19, 100)) == (read.groups[0].category, read.groups[0].rate)
    assert read.buyer_reference
    assert (date(2018, 6, 5), EUR, "380") == (read.issued_on, read.currency, read.type_code)
    assert read.seller.name
    assert read.seller.name not in repr(read)
    assert read.buyer.destination is not None
    assert "DE" == read.buyer.destination.country


def test_what_the_buyer_wants_to_find_is_read() -> None:
    """O-8: EN 16931 BT-10, BT-13, BT-19 and BT-48; a tax number of another scheme is none."""
    schemes = "".join(
        f"<cac:PartyTaxScheme><cbc:CompanyID>{number}</cbc:CompanyID><cac:TaxScheme><cbc:ID>{kind}"
        "</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
        for number, kind in (("12/345", "FC"), ("DE123456789", "VAT"))
    )
    head = (
        "<cbc:AccountingCost>KST-90</cbc:AccountingCost>"
        "<cbc:BuyerReference>04011000-12345-34</cbc:BuyerReference>"
        "<cac:OrderReference><cbc:ID>PO 4711</cbc:ID></cac:OrderReference>"
    )
    seller, buyer = invoice(head=head).split(b"<cac:AccountingCustomerParty><cac:Party>")
    both = b"<cac:AccountingCustomerParty><cac:Party>".join([seller, schemes.encode() + buyer])
    read = read_invoice(both)
    assert ("04011000-12345-34", "PO 4711", "KST-90", "DE123456789") == (
        read.buyer_reference,
        read.order_reference,
        read.accounting_reference,
        read.buyer_vat_id,
    )
    assert "DE123456789" not in repr(read)
    assert "" == read_invoice(invoice()).buyer_vat_id


def test_the_template_of_these_tests_is_valid() -> None:
    """With allowance, charge, prepayment and rounding."""
    read = read_invoice(invoice())
    assert () == read.discrepancies
    assert [False, True] == [each.is_charge for each in read.allowances]
    assert Money(-5, EUR) == read.totals.rounding


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"LineExtensionAmount": "100.01"}, {"BR-CO-10": 10000, "BR-CO-13": 9501}),
        ({"AllowanceTotalAmount": "11.00"}, {"BR-CO-11": 1000, "BR-CO-13": 9400}),
        ({"ChargeTotalAmount": "6.00"}, {"BR-CO-12": 500, "BR-CO-13": 9600}),
        ({"TaxExclusiveAmount": "96.00"}, {"BR-CO-13": 9500, "BR-CO-15": 11405}),
        ({"TaxTotal": "18.06"}, {"BR-CO-14": 1805, "BR-CO-15": 11306}),
        ({"TaxInclusiveAmount": "113.06"}, {"BR-CO-15": 11305, "BR-CO-16": 10001}),
        ({"PayableAmount": "100.05"}, {"BR-CO-16": 10000}),
        ({"PayableRoundingAmount": "0.00"}, {"BR-CO-16": 10005}),
        ({"PrepaidAmount": "0.00"}, {"BR-CO-16": 11300}),
        ({"tax": "18.06"}, {"BR-CO-14": 1806, "BR-CO-17": 1805}),
        ({"base": "94.97"}, {"BR-S-08": 9500, "BR-CO-17": 1804}),
    ],
)
def test_every_broken_rule_is_named(changes: dict[str, str], rules: dict[str, int]) -> None:
    """One wrong amount breaks the rules that it stands in, and only those."""
    found = read_invoice(invoice(**changes)).discrepancies
    assert rules == {each.rule: each.computed.minor for each in found}
    assert all(
        each.check is Check.DOCUMENT and each.field.startswith("/Invoice/") for each in found
    )


def test_a_credit_note_is_read_too() -> None:
    """The same parts under other names, and the invoice that it corrects."""
    head = (
        "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>R-0</cbc:ID>"
        "</cac:InvoiceDocumentReference></cac:BillingReference>"
    )
    text = invoice(head=head).decode()
    for old, new in (
        ("Invoice-2", "CreditNote-2"),
        ("<Invoice ", "<CreditNote "),
        ("</Invoice>", "</CreditNote>"),
        ("InvoiceLine>", "CreditNoteLine>"),
        ("InvoicedQuantity", "CreditedQuantity"),
        ("InvoiceTypeCode>380", "CreditNoteTypeCode>381"),
        ("/cbc:InvoiceTypeCode", "/cbc:CreditNoteTypeCode"),
    ):
        text = text.replace(old, new)
    read = read_invoice(text.encode())
    assert (True, "381", ("R-0",), ()) == (
        read.is_credit_note,
        read.type_code,
        read.corrects,
        read.discrepancies,
    )


def test_each_category_has_its_rule() -> None:
    """The codes of UNCL 5305 that EN 16931 allows."""
    assert set("SZEKGOLM") | {"AE"} == BASE_RULES.keys()


IN_LINE: Final = "/Invoice/cac:InvoiceLine"
WRONG: Final = [
    (b"", "/"),
    (b"<a>", "/"),
    (b"not xml", "/"),
    (b"<a/>", "/?:a"),
    (b'<?xml version="1.0" encoding="klingon"?><a/>', "/"),
    (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "/"),
    (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "/"),
    (b"<a>&undefined;</a>", "/"),
    (b"<a>" * 1_000, "/"),
    (b"\xff\xfe<\x00", "/"),
    (invoice(lines=""), "/Invoice/cac:InvoiceLine"),
    (
        invoice(lines=LINE.replace("100.00", "1e5")),
        f"{IN_LINE}/cbc:LineExtensionAmount",
    ),
    (
        invoice(lines=LINE + LINE.replace("100.00", "0.001")),
        f"{IN_LINE}[2]/cbc:LineExtensionAmount",
    ),
    (invoice(lines=LINE.replace("EUR", "USD")), f"{IN_LINE}/cbc:LineExtensionAmount"),
    (
        invoice(lines=LINE.replace("InvoicedQ", "Q")),
        f"{IN_LINE}/cbc:InvoicedQuantity",
    ),
    (
        invoice(lines=LINE.replace("<cbc:ID>1", "<cbc:ID/><cbc:ID>1")),
        f"{IN_LINE}/cbc:ID[2]",
    ),
    (invoice().replace(b">EUR<", b">euro<"), "/Invoice/cbc:DocumentCurrencyCode"),
    (invoice().replace(b">EUR<", b">JPY<"), f"{IN_LINE}/cbc:LineExtensionAmount"),
    (invoice().replace(b"2026-07-01", b"2026-02-30"), "/Invoice/cbc:IssueDate"),
    (invoice().replace(b"2026-07-01", b"20260701"), "/Invoice/cbc:IssueDate"),
    (invoice().replace(b">true<", b">1<"), "/Invoice/cac:AllowanceCharge[2]/cbc:ChargeIndicator"),
    (invoice().replace(b"cac:TaxTotal>", b"cac:TaxSum>"), "/Invoice/cac:TaxTotal"),
    (
        invoice().replace(b"cac:AccountingSupplierParty>", b"cac:Seller>"),
        "/Invoice/cac:AccountingSupplierParty/cac:Party",
    ),
]


@pytest.mark.parametrize(("raw", "path"), WRONG)
def test_a_bent_document_is_refused_by_its_path(raw: bytes, path: str) -> None:
    """Whatever is wrong with a document, the error is typed and says where."""
    with pytest.raises(PayloadError) as caught:
        read_invoice(raw)
    assert path == caught.value.path


def test_the_digits_are_those_of_the_currency() -> None:
    """Yen have no digits after the point, so 18.05 yen are no amount."""
    text = invoice().decode().replace("EUR", "JPY")
    with pytest.raises(PayloadError, match="JPY has 0 digits"):
        read_invoice(text.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"<a>" + b"<b/>" * 200_001 + b"</a>",
        b"<a>" + b"x" * 5_000_000 + b"</a>",
        invoice(lines=LINE * 3_000),
    ],
    ids=["many elements", "too long", "many lines"],
)
def test_large_documents_cost_little(raw: bytes) -> None:
    """Bounds hold while parsing, and checking grows with the number of lines only."""
    started = time.process_time()
    try:
        assert read_invoice(raw).discrepancies
    except PayloadError as error:
        assert "/" == error.path  # noqa: PT017 - one of three is read
    assert time.process_time() - started < 5


def test_text_is_not_a_document() -> None:
    """A document says its encoding itself, so it must come as bytes."""
    with pytest.raises(PayloadError, match="bytes"):
        read_invoice(invoice().decode())  # type: ignore[arg-type]  # that is the point
