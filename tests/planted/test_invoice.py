"""
Wrong ways to write documents, each of which the law of documents must notice.

Every bug here is one that shops have had: tax computed anew from the rate, a credit stated twice,
an invoice that forgets a price reduction, goodwill that no document states.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import pytest
from attrs import evolve as changed

from ordercore.invoice.build import CreditNoteBasis, InvoiceBasis, build
from ordercore.invoice.model import (
    Document,
    DocumentCharge,
    DocumentKind,
    DocumentLine,
    DocumentTax,
    group_taxes,
    total_up,
)
from ordercore.money import Money, round_fraction
from tests.laws.test_invoice import Build, law_of_documents, stories
from tests.planted.test_money import is_caught

Basis = InvoiceBasis | CreditNoteBasis


def remade(
    document: Document,
    *,
    lines: tuple[DocumentLine, ...] | None = None,
    charges: tuple[DocumentCharge, ...] | None = None,
) -> Document:
    """The document with other rows, and totals that fit them: no check of its own finds it."""
    lines = document.lines if lines is None else lines
    charges = document.charges if charges is None else charges
    if not (lines or charges):
        return document
    zero = Money.zero(document.currency)
    return changed(
        document,
        lines=lines,
        charges=charges,
        groups=group_taxes((*lines, *charges), document.currency),
        totals=total_up(lines, charges, prepaid=zero, rounding=zero),
    )


def tax_from_the_rate(basis: Basis) -> Document:
    def anew(tax: DocumentTax, net: Money) -> DocumentTax:
        minor = round_fraction(Fraction(net.minor) * tax.rate)
        return changed(tax, amount=Money(minor, net.currency))

    document = build(basis)
    return remade(
        document,
        lines=tuple(
            changed(line, taxes=tuple(anew(tax, line.net) for tax in line.taxes))
            for line in document.lines
        ),
    )


def earlier_credits_are_forgotten(basis: Basis) -> Document:
    """An invoice of full prices that says that it took all credits into account."""
    if isinstance(basis, CreditNoteBasis):
        return build(basis)
    sources = tuple((changed(source, credits=()), slots) for source, slots in basis.sources)
    if not any(slots for _, slots in sources):
        return build(basis)
    return changed(build(changed(basis, sources=sources)), credits=build(basis).credits)


def a_credit_is_stated_twice(basis: Basis) -> Document:
    document = build(basis)
    if document.kind is DocumentKind.CREDIT_NOTE:
        return changed(document, credits=())
    return document


def goodwill_is_stated_nowhere(basis: Basis) -> Document:
    document = build(basis)
    kept = tuple(one for one in document.charges if one.kind != "goodwill")
    return remade(document, charges=kept)


def shipping_is_credited_with_the_goods(basis: Basis) -> Document:
    """A credit note always gives the shipping of its slots back."""
    document = build(basis)
    if document.kind is DocumentKind.INVOICE:
        return document
    return remade(
        document,
        charges=tuple(one for one in document.charges if one.kind != "shipping"),
    )


def cancelled_units_owe_no_shipping(basis: Basis) -> Document:
    """What the order keeps of cancelled units is not invoiced."""
    document = build(basis)
    if document.covered:
        return remade(document, charges=())
    return document


def fees_are_stated_with_each_document(basis: Basis) -> Document:
    if isinstance(basis, CreditNoteBasis):
        return build(basis)
    sources = tuple((changed(source, documents=()), slots) for source, slots in basis.sources)
    return build(changed(basis, sources=sources))


def a_cent_is_rounded_away(basis: Basis) -> Document:
    document = build(basis)
    lines = tuple(
        changed(line, net=Money(line.net.minor // 5 * 5, line.net.currency))
        for line in document.lines
    )
    return remade(document, lines=lines)


@pytest.mark.parametrize(
    "wrong",
    [
        tax_from_the_rate,
        earlier_credits_are_forgotten,
        a_credit_is_stated_twice,
        goodwill_is_stated_nowhere,
        shipping_is_credited_with_the_goods,
        cancelled_units_owe_no_shipping,
        fees_are_stated_with_each_document,
        a_cent_is_rounded_away,
    ],
)
def test_a_wrong_document_is_caught(wrong: Build) -> None:
    """A document that states too much, too little or the same twice breaks the law."""
    assert is_caught(partial(law_of_documents, build=wrong), stories)
