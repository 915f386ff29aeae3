"""
What credits take off what was invoiced; `ordercore.invoice.build` is the door.

An invoice states what its slots are worth at its time, so it takes all credits into account that
were granted until then; it lists them. A credit of later takes off what its slots are worth now
less what they are worth after it. So the documents of any slot telescope to what it is finally
charged, in whatever pieces and order it is invoiced and credited (RULES D-3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve, field, frozen

from ordercore.ids import CreditId, DocumentNumber, LineId, OrderId
from ordercore.invoice._lines import added, charge_rows, invoice_line, tax_of, taxes_of
from ordercore.invoice.model import (
    Document,
    DocumentCharge,
    DocumentKind,
    DocumentLine,
    DocumentTax,
    InvalidDocumentError,
)
from ordercore.money import Money
from ordercore.pricing.model import PricedOrder, Tax, TaxCategory
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.model import Credit, CreditPart
from ordercore.refund.worth import Worth

__all__ = [
    "Correction",
    "Stated",
    "correction",
    "invoiced_slots",
    "is_stated",
    "loose_rows",
    "stated",
]

_Slots = Mapping[LineId, SlotSet]


@frozen(kw_only=True)
class Stated:
    """What a credit takes off what was invoiced before it."""

    credit: CreditId
    lines: tuple[DocumentLine, ...]
    charges: tuple[DocumentCharge, ...]
    refers_to: tuple[DocumentNumber, ...] = field(default=())

    @property
    def raises(self) -> bool:
        """Whether it charges again what an earlier credit took off, and no more than that."""
        return not self.lines and sum(row.gross.minor for row in self.charges) < 0

    @property
    def charged(self) -> tuple[DocumentCharge, ...]:
        """The rows as an invoice states them: the opposite of what a credit note would."""
        return tuple(
            evolve(
                row,
                net=-row.net,
                taxes=tuple(evolve(tax, amount=-tax.amount) for tax in row.taxes),
            )
            for row in self.charges
        )

    @property
    def is_empty(self) -> bool:
        """Whether it takes nothing off."""
        return not (self.lines or self.charges)


@frozen(kw_only=True)
class Correction:
    """What one document says of several credits: what they take off, or charge again."""

    raises: bool
    lines: tuple[DocumentLine, ...]
    charges: tuple[DocumentCharge, ...]
    refers_to: tuple[DocumentNumber, ...]
    credits: tuple[CreditId, ...]


def correction(pending: Iterable[Stated]) -> Correction:
    """
    What takes something off; only where nothing is left that does, what is charged again.

    Raises:
        InvalidDocumentError: Nothing does either.
    """
    every = tuple(pending)
    if not every:
        raise InvalidDocumentError("no credit lowers what was invoiced")
    lowering = tuple(one for one in every if not one.raises)
    found = lowering or every
    return Correction(
        raises=not lowering,
        lines=tuple(line for one in found for line in one.lines),
        charges=tuple(row for one in found for row in (one.charges if lowering else one.charged)),
        refers_to=tuple(dict.fromkeys(number for one in found for number in one.refers_to)),
        credits=tuple(one.credit for one in found),
    )


def touched(credit: Credit) -> dict[LineId, SlotSet]:
    """By line, the slots whose worth the credit lowers."""
    found: dict[LineId, SlotSet] = {}
    for part in credit.parts:
        if part.line is not None and part.slots:
            found[part.line] = found.get(part.line, NO_SLOTS) | part.slots
    return found


def is_stated(credit: Credit, order: OrderId, documents: Iterable[Document]) -> bool:
    """Whether some document has taken the credit into account."""
    return any((order, credit.id) in document.credits for document in documents)


def _invoiced_without(
    credit: Credit, order: OrderId, documents: Iterable[Document]
) -> Iterator[Document]:
    """The invoices from before the credit."""
    for document in documents:
        if document.kind is DocumentKind.INVOICE and (order, credit.id) not in document.credits:
            yield document


def stated(
    priced: PricedOrder,
    order: OrderId,
    *,
    granted: Sequence[Credit],
    documents: Sequence[Document],
    taxes: Sequence[Tax] = (),
) -> Iterator[Stated]:
    """What each credit that no correction states takes off the invoices from before it."""
    noted = [one for one in documents if one.refers_to]
    worth = Worth.after(priced, ())
    for credit in granted:
        before = list(_invoiced_without(credit, order, documents))
        if before and not is_stated(credit, order, noted):
            loose = () if is_stated(credit, order, documents) else loose_rows(priced, credit, taxes)
            yield _taken_off(_Case(priced, order, credit, worth), before, loose)
        else:
            worth.add(credit.parts)


@frozen
class _Case:
    """One credit, and what slots are worth before it."""

    priced: PricedOrder
    order: OrderId
    credit: Credit
    worth: Worth


def _taken_off(
    case: _Case, before: Sequence[Document], loose: tuple[DocumentCharge, ...]
) -> Stated:
    """Count the credit in the worth, and say what it took off."""
    invoiced = invoiced_slots(before, case.order)
    both = {
        line: slots & invoiced.get(line, NO_SLOTS) for line, slots in touched(case.credit).items()
    }
    both = {line: slots for line, slots in both.items() if slots}
    old = {line: (case.worth.left(line, slots), _open(case, line)) for line, slots in both.items()}
    case.worth.add(case.credit.parts)
    lines: list[DocumentLine] = []
    charges: list[DocumentCharge] = []
    of_charges: dict[tuple[str, str], int] = {}
    for line, slots in both.items():
        off, was_open = dict(old[line][0]), old[line][1]
        added(off, case.worth.left(line, slots), -1)
        added(of_charges, {key: minor for key, minor in off.items() if key[0]})
        full = slots & (was_open - _open(case, line))
        if full:
            lines.append(invoice_line(case.priced, line, full, off, order=case.order))
        elif any(minor for key, minor in off.items() if not key[0]):
            charges.append(_reduction(case, line, off))
    charges += charge_rows(case.priced, of_charges)
    names = [one.number for one in before if one.number and _concerns(one, case.order, both)]
    return Stated(
        credit=case.credit.id,
        lines=tuple(lines),
        charges=(*charges, *loose),
        refers_to=tuple(names) or tuple(one.number for one in before if one.number),
    )


def _open(case: _Case, line: LineId) -> SlotSet:
    return case.worth.open_of(line)


def _concerns(document: Document, order: OrderId, slots: _Slots) -> bool:
    there = document.slots(order)
    return any(there.get(line, NO_SLOTS) & own for line, own in slots.items())


def _reduction(case: _Case, line: LineId, off: Mapping[tuple[str, str], int]) -> DocumentCharge:
    """Goods that stay, for less."""
    source = case.priced.line(line)
    return DocumentCharge(
        code=str(line),
        kind=case.credit.cause.value,
        title=source.title,
        net=Money(off.get(("", ""), 0), case.priced.currency),
        taxes=taxes_of(source, off, ""),
    )


def invoiced_slots(documents: Iterable[Document], order: OrderId) -> dict[LineId, SlotSet]:
    """By line, the slots that some invoice states."""
    found: dict[LineId, SlotSet] = {}
    for document in documents:
        if document.kind is DocumentKind.INVOICE:
            for line, slots in document.slots(order).items():
                found[line] = found.get(line, NO_SLOTS) | slots
    return found


def loose_rows(
    priced: PricedOrder, credit: Credit, taxes: Sequence[Tax] = (), *, sign: int = 1
) -> tuple[DocumentCharge, ...]:
    """
    The parts of a credit that belong to no slots: a row for each rule, with its taxes.

    Fees, freight and goodwill. *taxes* are those that no line of the order bears.
    """
    by_rule: dict[str, list[CreditPart]] = {}
    for part in credit.parts:
        if not part.slots:
            by_rule.setdefault(part.rule, []).append(part)
    rows = (_loose_row(priced, parts, taxes, sign) for parts in by_rule.values())
    return tuple(row for row in rows if row.net or row.tax)


def _loose_row(
    priced: PricedOrder, parts: Sequence[CreditPart], taxes: Sequence[Tax], sign: int
) -> DocumentCharge:
    base = next((part for part in parts if part.component != "tax"), None)
    sums: dict[str, int] = {}
    net = 0
    for part in parts:
        if part.component == "tax":
            sums[part.code] = sums.get(part.code, 0) + sign * part.amount.minor
        else:
            net += sign * part.amount.minor
    return DocumentCharge(
        code="" if base is None else base.code,
        kind="adjustment" if base is None else base.component,
        title=parts[0].rule,
        net=Money(net, priced.currency),
        taxes=tuple(
            _tax_named(priced, code, taxes, Money(minor, priced.currency))
            for code, minor in sums.items()
        ),
    )


def _tax_named(priced: PricedOrder, code: str, taxes: Sequence[Tax], amount: Money) -> DocumentTax:
    """A tax that the order knows by this code, or one of *taxes*; else its rate is not known."""
    for part in priced.parts:
        for tax in part.taxes:
            if tax.code == code:
                return tax_of(tax, amount)
    for other in taxes:
        if other.code == code:
            return tax_of(other, amount)
    return DocumentTax(code=code, category=TaxCategory.OUT_OF_SCOPE, amount=amount)
