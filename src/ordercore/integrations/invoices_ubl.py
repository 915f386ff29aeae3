"""
Invoices in UBL (EN 16931, XRechnung, Peppol): read them, and check their arithmetic.

What is read are the amounts that the totals are made of; every total is compared with what its
parts give, by the rules of EN 16931 (BR-CO-10 to 17, and the tax base per category). An invoice
that breaks one is still read: its discrepancies say which rule, where, and by how much (D-2).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from attrs import field, frozen

from ordercore.codec.strict_json import PayloadError
from ordercore.integrations._xml import Element, parse
from ordercore.integrations.imports import Check, Discrepancy
from ordercore.integrations.people import PartyData, plain
from ordercore.money import Currency, Money, UnknownCurrencyError, sum_money
from ordercore.order.party import Address

__all__ = [
    "AllowanceCharge",
    "InvoiceTotals",
    "TaxGroup",
    "UblInvoice",
    "UblLine",
    "read_invoice",
]

UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
PREFIXES: Final = {
    f"{UBL}Invoice-2": "",
    f"{UBL}CreditNote-2": "",
    f"{UBL}CommonAggregateComponents-2": "cac",
    f"{UBL}CommonBasicComponents-2": "cbc",
}
LINES: Final = {"Invoice": "cac:InvoiceLine", "CreditNote": "cac:CreditNoteLine"}
QUANTITIES: Final = {"Invoice": "cbc:InvoicedQuantity", "CreditNote": "cbc:CreditedQuantity"}
BASE_RULES: Final = {
    "S": "BR-S-08",
    "Z": "BR-Z-08",
    "E": "BR-E-08",
    "AE": "BR-AE-08",
    "K": "BR-IC-08",
    "G": "BR-G-08",
    "O": "BR-O-08",
    "L": "BR-AF-08",
    "M": "BR-AG-08",
}
"""The rule that says what a group's taxable amount is, by the category of the tax."""


@frozen(kw_only=True)
class UblLine:
    """One line: its net amount counts, price and quantity explain it."""

    id: str
    name: str
    quantity: Decimal
    unit: str
    net: Money
    price: Decimal
    price_for: Decimal
    """How many units the price is for."""
    category: str
    rate: Fraction


@frozen(kw_only=True)
class AllowanceCharge:
    """Taken off (an allowance) or added (a charge) on the whole document."""

    is_charge: bool
    amount: Money
    category: str
    rate: Fraction
    reason: str

    @property
    def net(self) -> Money:
        """What it adds to the net total."""
        return self.amount if self.is_charge else -self.amount


@frozen(kw_only=True)
class TaxGroup:
    """One tax: all that has its category and rate."""

    category: str
    rate: Fraction
    base: Money
    tax: Money
    path: str


@frozen(kw_only=True)
class InvoiceTotals:
    """The totals as the document states them; zero where it may leave them out."""

    lines: Money
    allowances: Money
    charges: Money
    net: Money
    tax: Money
    gross: Money
    prepaid: Money
    rounding: Money
    payable: Money


@frozen(kw_only=True)
class UblInvoice:
    """An invoice or credit note of somebody else, and what is wrong with its arithmetic."""

    number: str
    is_credit_note: bool
    type_code: str
    issued_on: date
    currency: Currency
    buyer_reference: str
    """BT-10."""
    order_reference: str
    """The number of the buyer's order: BT-13."""
    accounting_reference: str
    """Where the buyer books it: BT-19."""
    buyer_vat_id: str = field(repr=False)
    """BT-48."""
    corrects: tuple[str, ...]
    """The numbers of the earlier invoices that it refers to."""
    lines: tuple[UblLine, ...]
    allowances: tuple[AllowanceCharge, ...]
    groups: tuple[TaxGroup, ...]
    totals: InvoiceTotals
    seller: PartyData = field(repr=False)
    buyer: PartyData = field(repr=False)
    discrepancies: tuple[Discrepancy, ...] = ()


def read_invoice(raw: bytes) -> UblInvoice:
    """
    The invoice or credit note in a UBL document.

    Raises:
        PayloadError: No XML, a DOCTYPE, too large or too deep, not UBL, or an element that is
            missing or of a wrong kind, with its path.

    Source:
        RULES D-2, X-1; EN 16931-1, BR-CO-10 to BR-CO-17; OASIS UBL 2.1.
    """
    root = parse(raw, prefixes=PREFIXES)
    if root.name not in LINES:
        raise PayloadError(root.path, "it must be a UBL Invoice or CreditNote")
    currency = _currency(root.get("cbc:DocumentCurrencyCode"))
    return _Document(root, currency).read()


def _currency(element: Element) -> Currency:
    try:
        return Currency.of(element.text)
    except UnknownCurrencyError as error:
        raise element.error("it is no currency code") from error


@frozen
class _Document:
    """One document while it is read."""

    root: Element
    currency: Currency

    def read(self) -> UblInvoice:
        root = self.root
        lines = tuple(self.line(element) for element in root.all(LINES[root.name]))
        if not lines:
            raise PayloadError(f"{root.path}/{LINES[root.name]}", "it is missing")
        allowances = tuple(self.allowance(element) for element in root.all("cac:AllowanceCharge"))
        tax_total = self.tax_total()
        groups = tuple(self.group(element) for element in tax_total.all("cac:TaxSubtotal"))
        totals = self.totals(tax_total)
        codes = (f"cbc:{root.name}TypeCode", "cbc:InvoiceTypeCode")
        return UblInvoice(
            number=plain(root.get("cbc:ID").text),
            is_credit_note=root.name == "CreditNote",
            type_code=next((code for code in map(root.text_of, codes) if code), ""),
            issued_on=root.get("cbc:IssueDate").day,
            currency=self.currency,
            buyer_reference=plain(root.text_of("cbc:BuyerReference")),
            order_reference=plain(root.text_of("cac:OrderReference", "cbc:ID")),
            accounting_reference=plain(root.text_of("cbc:AccountingCost")),
            buyer_vat_id=_vat_id(root.get("cac:AccountingCustomerParty", "cac:Party")),
            corrects=tuple(
                plain(element.get("cac:InvoiceDocumentReference", "cbc:ID").text)
                for element in root.all("cac:BillingReference")
            ),
            lines=lines,
            allowances=allowances,
            groups=groups,
            totals=totals,
            seller=_party(root.get("cac:AccountingSupplierParty", "cac:Party")),
            buyer=_party(root.get("cac:AccountingCustomerParty", "cac:Party")),
            discrepancies=(
                *self.total_checks(lines, allowances, groups, totals),
                *self.group_checks(lines, allowances, groups),
            ),
        )

    def line(self, element: Element) -> UblLine:
        quantity = element.get(QUANTITIES[self.root.name])
        base = element.find("cac:Price", "cbc:BaseQuantity")
        category, rate = _category(element.get("cac:Item", "cac:ClassifiedTaxCategory"))
        return UblLine(
            id=plain(element.get("cbc:ID").text),
            name=plain(element.text_of("cac:Item", "cbc:Name"), longest=500),
            quantity=quantity.decimal,
            unit=plain(quantity.attributes.get("unitCode", "")),
            net=element.get("cbc:LineExtensionAmount").money(self.currency),
            price=element.get("cac:Price", "cbc:PriceAmount").decimal,
            price_for=Decimal(1) if base is None else base.decimal,
            category=category,
            rate=rate,
        )

    def allowance(self, element: Element) -> AllowanceCharge:
        indicator = element.get("cbc:ChargeIndicator")
        if indicator.text not in {"true", "false"}:
            raise indicator.error("it must be true or false")
        category, rate = _category(element.get("cac:TaxCategory"))
        return AllowanceCharge(
            is_charge=indicator.text == "true",
            amount=element.get("cbc:Amount").money(self.currency),
            category=category,
            rate=rate,
            reason=plain(element.text_of("cbc:AllowanceChargeReason")),
        )

    def tax_total(self) -> Element:
        """The tax in the currency of the document; there may be a second one for the books."""
        for element in self.root.all("cac:TaxTotal"):
            amount = element.get("cbc:TaxAmount")
            if amount.attributes.get("currencyID") == self.currency.code:
                return element
        where = f"{self.root.path}/cac:TaxTotal"
        raise PayloadError(where, f"there is none in {self.currency.code}")

    def group(self, element: Element) -> TaxGroup:
        category, rate = _category(element.get("cac:TaxCategory"))
        return TaxGroup(
            category=category,
            rate=rate,
            base=element.get("cbc:TaxableAmount").money(self.currency),
            tax=element.get("cbc:TaxAmount").money(self.currency),
            path=element.path,
        )

    def totals(self, tax_total: Element) -> InvoiceTotals:
        stated = self.root.get("cac:LegalMonetaryTotal")

        def needed(name: str) -> Money:
            return stated.get(name).money(self.currency)

        def optional(name: str) -> Money:
            found = stated.find(name)
            return Money.zero(self.currency) if found is None else found.money(self.currency)

        return InvoiceTotals(
            lines=needed("cbc:LineExtensionAmount"),
            allowances=optional("cbc:AllowanceTotalAmount"),
            charges=optional("cbc:ChargeTotalAmount"),
            net=needed("cbc:TaxExclusiveAmount"),
            tax=tax_total.get("cbc:TaxAmount").money(self.currency),
            gross=needed("cbc:TaxInclusiveAmount"),
            prepaid=optional("cbc:PrepaidAmount"),
            rounding=optional("cbc:PayableRoundingAmount"),
            payable=needed("cbc:PayableAmount"),
        )

    # --- arithmetic ---

    def sum(self, amounts: Iterator[Money]) -> Money:
        return sum_money(list(amounts), self.currency)

    def total_checks(
        self,
        lines: tuple[UblLine, ...],
        allowances: tuple[AllowanceCharge, ...],
        groups: tuple[TaxGroup, ...],
        totals: InvoiceTotals,
    ) -> Iterator[Discrepancy]:
        """BR-CO-10 to 16: each total against what it is made of, as the document states that."""
        off = self.sum(each.amount for each in allowances if not each.is_charge)
        on = self.sum(each.amount for each in allowances if each.is_charge)
        lines_net, taxes = self.sum(line.net for line in lines), self.sum(g.tax for g in groups)
        net = totals.lines - totals.allowances + totals.charges
        payable = totals.gross - totals.prepaid + totals.rounding
        for rule, name, claimed, computed in (
            ("BR-CO-10", "cbc:LineExtensionAmount", totals.lines, lines_net),
            ("BR-CO-11", "cbc:AllowanceTotalAmount", totals.allowances, off),
            ("BR-CO-12", "cbc:ChargeTotalAmount", totals.charges, on),
            ("BR-CO-13", "cbc:TaxExclusiveAmount", totals.net, net),
            ("BR-CO-14", "cbc:TaxAmount", totals.tax, taxes),
            ("BR-CO-15", "cbc:TaxInclusiveAmount", totals.gross, totals.net + totals.tax),
            ("BR-CO-16", "cbc:PayableAmount", totals.payable, payable),
        ):
            parent = "cac:TaxTotal" if rule == "BR-CO-14" else "cac:LegalMonetaryTotal"
            where = f"{self.root.path}/{parent}/{name}"
            yield from _differs(rule, where, claimed, computed)

    def group_checks(
        self,
        lines: tuple[UblLine, ...],
        allowances: tuple[AllowanceCharge, ...],
        groups: tuple[TaxGroup, ...],
    ) -> Iterator[Discrepancy]:
        """BR-CO-17 and BR-…-08: each group against its rate, and against what has its rate."""
        bases: dict[tuple[str, Fraction], list[Money]] = {}
        for line in lines:
            bases.setdefault((line.category, line.rate), []).append(line.net)
        for each in allowances:
            bases.setdefault((each.category, each.rate), []).append(each.net)
        for group in groups:
            base = sum_money(bases.get((group.category, group.rate), []), self.currency)
            rule = BASE_RULES.get(group.category, "BR-CO-18")
            yield from _differs(rule, f"{group.path}/cbc:TaxableAmount", group.base, base)
            tax = group.base.times(group.rate)
            yield from _differs("BR-CO-17", f"{group.path}/cbc:TaxAmount", group.tax, tax)


def _differs(rule: str, where: str, claimed: Money, computed: Money) -> Iterator[Discrepancy]:
    if claimed != computed:
        yield Discrepancy(
            field=where, check=Check.DOCUMENT, claimed=claimed, computed=computed, rule=rule
        )


def _category(element: Element) -> tuple[str, Fraction]:
    percent = element.find("cbc:Percent")
    rate = Fraction(0) if percent is None else Fraction(percent.decimal) / 100
    return plain(element.get("cbc:ID").text), rate


def _vat_id(party: Element) -> str:
    """The number of a party in the scheme of VAT, among its tax schemes."""
    for scheme in party.all("cac:PartyTaxScheme"):
        if scheme.text_of("cac:TaxScheme", "cbc:ID") == "VAT":
            return plain(scheme.text_of("cbc:CompanyID"))
    return ""


def _party(element: Element) -> PartyData:
    address = element.find("cac:PostalAddress")
    words = ("cbc:StreetName", "cbc:AdditionalStreetName")
    contact = element.find("cac:Contact")
    return PartyData(
        reference=plain(element.text_of("cac:PartyTaxScheme", "cbc:CompanyID"))
        if len(list(element.all("cac:PartyTaxScheme"))) == 1
        else "",
        name=plain(element.text_of("cac:PartyLegalEntity", "cbc:RegistrationName")),
        email="" if contact is None else plain(contact.text_of("cbc:ElectronicMail")),
        phone="" if contact is None else plain(contact.text_of("cbc:Telephone")),
        address=None
        if address is None
        else Address(
            lines=tuple(line for line in (plain(address.text_of(word)) for word in words) if line),
            city=plain(address.text_of("cbc:CityName")),
            region=plain(address.text_of("cbc:CountrySubentity")),
            postal_code=plain(address.text_of("cbc:PostalZone")),
            country=plain(address.text_of("cac:Country", "cbc:IdentificationCode")),
        ),
    )
