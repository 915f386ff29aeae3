"""
The laws of documents (RULES D-2, D-3), as functions that also judge a wrong implementation.

A `Clerk` invoices, credits and writes credit notes in random pieces and order; in the end, invoices
less credit notes are what was finally charged, in all and per group of tax.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction

from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ordercore.errors import RefusedError
from ordercore.ids import CreditId, DocumentNumber, LineId, OrderId
from ordercore.invoice.build import (
    CreditNoteBasis,
    Header,
    InvoiceBasis,
    Source,
    balance,
    build,
    invoiced_slots,
    pending_credits,
    to_invoice,
    unstated,
)
from ordercore.invoice.model import Document, DocumentKind
from ordercore.money import Money, round_fraction, sum_money
from ordercore.pricing.figures import amount_keys, amounts_upto
from ordercore.pricing.model import PricedOrder, PricedTax, Tax, TaxCategory
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.calculate import RefundBasis, calculate
from ordercore.refund.model import (
    ChargeCredit,
    Credit,
    CreditCause,
    InvalidRefundError,
    PriceReduction,
    RefundItem,
    RefundRequest,
)
from ordercore.refund.policy import (
    EarnedByAmount,
    GiveBack,
    PercentFee,
    RefundPolicy,
    UnitFee,
)
from ordercore.refund.worth import Worth
from tests.laws.test_pricing import drafts
from tests.unit.pricing import shop
from tests.unit.pricing.shop import eur

EXAMPLES: int = max(500, getattr(settings(), "max_examples", 0))
LAW = settings(max_examples=EXAMPLES)

ORDER = OrderId("order-1")
HEADER = Header(issued_on=date(2026, 3, 2))
FEE_TAX = Tax(code="FEE", rate=Fraction(7, 100), jurisdiction="fees")
POLICIES = (
    RefundPolicy(),
    RefundPolicy(shipping=GiveBack.NEVER, surcharges=GiveBack.NEVER, cancelled=GiveBack.NEVER),
    RefundPolicy(shipping=GiveBack.ALWAYS, cancelled=GiveBack.WITH_LAST_UNIT),
    RefundPolicy(shipping=GiveBack.WITH_LAST_UNIT, surcharges=GiveBack.IN_PROPORTION),
    RefundPolicy(fees=(PercentFee(name="restocking", rate=Fraction(15, 100), tax=FEE_TAX),)),
    RefundPolicy(
        shipping=GiveBack.IN_PROPORTION,
        fees=(UnitFee(name="handling", amount=eur(50)),),
        promotions=(EarnedByAmount(code="PERCENT", least=eur(2000)),),
        goodwill_taxed=False,
    ),
)

Build = Callable[[InvoiceBasis | CreditNoteBasis], Document]
Step = tuple[int, int, int, int]
Story = tuple[PricedOrder, RefundPolicy, Sequence[Step]]
Group = tuple[TaxCategory, Fraction, str]

steps = st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 1000), st.integers(1, 1000))
stories = st.tuples(
    drafts(2).map(price), st.sampled_from(POLICIES), st.lists(steps, min_size=2, max_size=10)
)


class Clerk:
    """Who writes the documents of one order."""

    def __init__(self, order: PricedOrder, policy: RefundPolicy, build: Build) -> None:
        self.order, self.policy, self.build = order, policy, build
        self.source = Source(order=ORDER, priced=order, taxes=(FEE_TAX,))
        self.closed: dict[LineId, SlotSet] = {}

    def step(self, step: Step) -> None:
        kind, which, first, count = step
        line = self.order.lines[which % len(self.order.lines)]
        slots = SlotSet.of(0, line.quantity)
        some = slots & SlotSet.of(first % line.quantity, first % line.quantity + count)
        match kind:
            case 0 | 1 | 2:
                self.closed[line.id] = self.closed.get(line.id, NO_SLOTS) | some
                self.invoice({line.id: self.closed[line.id]})
            case 3 | 4:
                self.return_some(line.id, some)
            case 5:
                self.reduce(line.id, some, count)
            case 6:
                self.grant(goodwill=count)
            case 7:
                self.give_charge_back(which)
            case _:
                self.credit_note()

    def invoice(self, slots: dict[LineId, SlotSet]) -> None:
        wanted = to_invoice(self.source, slots)
        if wanted or unstated(self.source):
            basis = InvoiceBasis(header=HEADER, sources=((self.source, wanted),))
            self.issue(self.build(basis))

    def credit_note(self) -> None:
        if pending_credits(self.source):
            self.issue(self.build(CreditNoteBasis(header=HEADER, source=self.source)))

    def issue(self, document: Document) -> None:
        number = DocumentNumber(f"D-{len(self.source.documents):03}")
        self.source = evolve(
            self.source,
            documents=(*self.source.documents, evolve(document, number=number)),
        )
        check_document(document)

    def return_some(self, line: LineId, slots: SlotSet) -> None:
        worth = Worth.after(self.order, self.source.credits)
        free = slots & worth.open_of(line)
        if free:
            self.credit(items=(RefundItem(line=line, slots=free),))
            self.closed[line] = self.closed.get(line, NO_SLOTS) | free

    def reduce(self, line: LineId, slots: SlotSet, twelfths: int) -> None:
        worth = Worth.after(self.order, self.source.credits)
        free = slots & worth.open_of(line)
        left = sum(minor for key, minor in worth.left(line, free).items() if not key[0])
        amount = left * (twelfths % 12) // 12
        if amount > 0:
            part = PriceReduction(line=line, slots=free, amount=eur(amount))
            self.credit(reductions=(part,), cause=CreditCause.PRICE_REDUCTION)

    def grant(self, goodwill: int) -> None:
        self.credit(goodwill=eur(goodwill), cause=CreditCause.GOODWILL)

    def give_charge_back(self, which: int) -> None:
        if self.order.charges:
            charge = self.order.charges[which % len(self.order.charges)]
            self.credit(charges=(ChargeCredit(charge=charge.id),), cause=CreditCause.CLAIM)

    def credit(
        self,
        *,
        items: tuple[RefundItem, ...] = (),
        reductions: tuple[PriceReduction, ...] = (),
        charges: tuple[ChargeCredit, ...] = (),
        goodwill: Money | None = None,
        cause: CreditCause = CreditCause.RETURNED,
    ) -> None:
        """One more credit, unless the calculator refuses it."""
        try:
            request = RefundRequest(
                id=CreditId(f"C-{len(self.source.credits)}"),
                cause=cause,
                items=items,
                reductions=reductions,
                charges=charges,
                goodwill=goodwill,
            )
            basis = RefundBasis(priced=self.order, credits=self.source.credits)
            quote = calculate(basis, request, self.policy)
        except (RefusedError, InvalidRefundError):
            return
        self.source = evolve(self.source, credits=(*self.source.credits, quote.credit))

    def finish(self) -> None:
        """Everything is closed in the end, invoiced, and corrected."""
        self.credit_note()
        everything = {line.id: SlotSet.of(0, line.quantity) for line in self.order.lines}
        self.invoice(everything)
        self.credit_note()


def check_document(document: Document) -> None:
    """The arithmetic of EN 16931, by hand (RULES D-2)."""
    totals, currency = document.totals, document.currency
    lines = sum_money([line.net for line in document.lines], currency)
    extra = sum_money([one.net for one in document.charges], currency)
    assert totals.net == lines + extra == totals.lines - totals.allowances + totals.charges
    assert totals.tax == sum_money([group.tax for group in document.groups], currency)
    assert totals.gross == totals.net + totals.tax
    assert totals.payable == totals.gross - totals.prepaid + totals.rounding
    for group in document.groups:
        by_rate = round_fraction(Fraction(group.base.minor) * group.rate)
        assert group.difference.minor == group.tax.minor - by_rate


def finally_charged(order: PricedOrder, granted: Iterable[Credit]) -> dict[Group, int]:
    """By group of tax: what was charged less what was credited, from the parts themselves."""
    taxes: dict[Group, int] = {}
    groups: dict[str, Group] = {}
    for line in order.lines:
        amounts = amounts_upto(order, line.id, line.quantity)
        for key, minor in zip(amount_keys(order, line.id), amounts, strict=True):
            if key[1]:
                group = groups.setdefault(key[1], _group(order, key[1]))
                taxes[group] = taxes.get(group, 0) + minor
    for credit in granted:
        for part in credit.parts:
            if part.component == "tax":
                group = groups.setdefault(part.code, _group(order, part.code))
                taxes[group] = taxes.get(group, 0) - part.amount.minor
    return {group: minor for group, minor in taxes.items() if minor}


def _group(order: PricedOrder, code: str) -> Group:
    taxes: list[PricedTax | Tax] = [tax for part in order.parts for tax in part.taxes]
    found = next(tax for tax in [*taxes, FEE_TAX] if tax.code == code)
    return found.category, found.rate, found.jurisdiction


def law_of_documents(story: Story, build: Build = build) -> None:
    """Σ invoices − Σ credit notes = what was finally charged; per tax rate too (RULES D-3)."""
    order, policy, happenings = story
    clerk = Clerk(order, policy, build)
    for happening in happenings:
        clerk.step(happening)
    clerk.finish()
    source = clerk.source
    assert () == pending_credits(source)
    credited = sum_money([credit.amount for credit in source.credits], order.currency)
    stated = sum_money(
        [
            -one.totals.gross if one.kind is DocumentKind.CREDIT_NOTE else one.totals.gross
            for one in source.documents
        ],
        order.currency,
    )
    assert order.total - credited == stated
    assert finally_charged(order, source.credits) == {
        (one.category, one.rate, one.jurisdiction): one.tax.minor
        for one in balance(source.documents)
        if one.tax
    }
    for line, slots in invoiced_slots(source.documents, ORDER).items():
        assert slots <= SlotSet.of(0, order.line(line).quantity)


FREE = shop.priced(shop.line("a", 99))
"""One unit for 0.99 without tax: its fee contains a tax that nothing else does."""


@LAW
@given(stories)
@example((FREE, POLICIES[4], [(3, 0, 0, 1), (6, 0, 0, 15)]))
def test_documents_telescope_to_what_is_charged(story: Story) -> None:
    """Invoiced and credited in any pieces and order, the sum is exact (RULES D-3)."""
    law_of_documents(story)
