"""
The laws of the books (RULES D-4, D-5), as functions that also judge a wrong implementation.

A `Till` plays random facts of money, documents and credits on one order and keeps its own simple
count of where the money is; the journal must agree, and every entry must balance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import RefusedError
from ordercore.facts import Event
from ordercore.ids import (
    CreditId,
    DocumentNumber,
    Key,
    OrderId,
    Reference,
    Series,
    TenderId,
)
from ordercore.invoice.build import (
    CreditNoteBasis,
    Header,
    InvoiceBasis,
    Source,
    build,
    pending_credits,
    to_invoice,
)
from ordercore.invoice.events import DocumentIssued
from ordercore.invoice.model import Document, DocumentKind
from ordercore.journal.entries import entries
from ordercore.journal.model import Account, AccountKind, Entry, UnbalancedEntryError
from ordercore.journal.payout import Payout, payout_entry
from ordercore.money import Money
from ordercore.order.events import CreditGranted, OrderPlaced
from ordercore.order.evolve import evolve
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.events import (
    DisputeReported,
    OperationFailed,
    OperationIntended,
    OperationSucceeded,
    PaymentRecorded,
    RefundRecorded,
)
from ordercore.payment.model import DisputeStatus, Intent, Operation, Tender, TenderKind
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.calculate import RefundBasis, calculate
from ordercore.refund.model import (
    CreditCause,
    InvalidRefundError,
    RefundItem,
    RefundRequest,
)
from ordercore.refund.worth import Worth
from tests.laws.test_pricing import drafts
from tests.unit.pricing.shop import eur

EXAMPLES: int = max(300, getattr(settings(), "max_examples", 0))
LAW = settings(max_examples=EXAMPLES)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ORDER = OrderId("order-1")
HEADER = Header(issued_on=date(2026, 3, 2))
CARD, GIFT, CASH = TenderId("card"), TenderId("gift"), TenderId("cash")
TENDERS = (
    Tender(id=CARD, gateway="acme"),
    Tender(id=GIFT, kind=TenderKind.GIFT_CARD),
    Tender(id=CASH, kind=TenderKind.CASH, gateway="desk"),
)
ACCOUNTS = {
    CARD: Account(AccountKind.CLEARING, "acme"),
    GIFT: Account(AccountKind.STORED_VALUE, "gift_card"),
    CASH: Account(AccountKind.CLEARING, "desk"),
}

Entries = Callable[[Order | None, Event, Order], tuple[Entry, ...]]
Step = tuple[int, int, int]
Story = tuple[PricedOrder, Sequence[Step]]

steps = st.tuples(st.integers(0, 11), st.integers(0, 5), st.integers(1, 3000))
stories = st.tuples(drafts(2).map(price), st.lists(steps, min_size=3, max_size=14))


class Till:
    """One order's money, counted twice: by the journal, and by hand."""

    def __init__(self, priced: PricedOrder, entries: Entries) -> None:
        self.entries = entries
        self.order: Order | None = None
        self.book: dict[Account, int] = {}
        self.by_hand: dict[TenderId, int] = {}
        self.disputed = 0
        self.lost = 0
        self.numbers = 0
        self.captures: list[tuple[Key, TenderId, int]] = []
        self.open_disputes: dict[Reference, tuple[TenderId, int]] = {}
        self.add(
            OrderPlaced(
                at=START,
                series=Series("ORD"),
                order=ORDER,
                priced=priced,
                terms=Terms(),
                tenders=TENDERS,
            )
        )

    def number(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}-{self.numbers:03}"

    @property
    def current(self) -> Order:
        assert self.order is not None
        return self.order

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.numbers)

    def add(self, event: Event) -> None:
        """Fold a fact, and book its entries."""
        after = evolve(self.order, event)
        try:
            booked = self.entries(self.order, event, after)
        except UnbalancedEntryError as error:
            raise AssertionError(str(error)) from error
        self.order = after
        for entry in booked:
            assert entry.rows
            assert 0 == sum(row.amount.minor for row in entry.rows)
            for row in entry.rows:
                self.book[row.account] = self.book.get(row.account, 0) + row.amount.minor
        self.check()

    def step(self, step: Step) -> None:
        kind, which, amount = step
        deeds = (
            self.capture,
            self.capture,
            self.take_cash,
            self.refund,
            self.fail,
            self.dispute,
            self.end_dispute,
            self.invoice,
            self.invoice,
            self.give_back,
            self.goodwill,
            self.credit_note,
        )
        deeds[kind](which, amount)

    # --- money ----------------------------------------------------------------------------------

    def capture(self, which: int, amount: int) -> None:
        tender = (CARD, GIFT)[which % 2]
        authorised = self.operate(Operation.AUTHORISE, tender, amount, None)
        captured = self.operate(Operation.CAPTURE, tender, amount, authorised)
        self.captures.append((captured, tender, amount))

    def operate(self, kind: Operation, tender: TenderId, amount: int, target: Key | None) -> Key:
        key = Key(self.number(kind.value))
        intent = Intent(
            key=key,
            operation=kind,
            tender=tender,
            amount=eur(amount),
            at=self.now,
            not_after=self.now + timedelta(hours=1),
            target=target,
        )
        self.add(OperationIntended(at=self.now, intent=intent))
        sign = {Operation.CAPTURE: 1, Operation.REFUND: -1}.get(kind, 0)
        self.by_hand[tender] = self.by_hand.get(tender, 0) + sign * amount
        reference = Reference(f"gw-{key}")
        self.add(OperationSucceeded(at=self.now, key=key, reference=reference, amount=eur(amount)))
        return key

    def take_cash(self, _: int, amount: int) -> None:
        self.by_hand[CASH] = self.by_hand.get(CASH, 0) + amount
        reference = Reference(self.number("cash"))
        event = PaymentRecorded(at=self.now, tender=CASH, amount=eur(amount), reference=reference)
        self.add(event)

    def refund(self, which: int, amount: int) -> None:
        if which % 2 and self.captures:
            key, tender, most = self.captures[which % len(self.captures)]
            self.operate(Operation.REFUND, tender, min(amount, most), key)
        else:
            self.by_hand[CASH] = self.by_hand.get(CASH, 0) - amount
            reference = Reference(self.number("back"))
            self.add(
                RefundRecorded(at=self.now, tender=CASH, amount=eur(amount), reference=reference)
            )

    def fail(self, which: int, _: int) -> None:
        """A capture that had succeeded is taken back by the outside (RULES PAY-6)."""
        if self.captures:
            key, tender, amount = self.captures.pop(which % len(self.captures))
            self.by_hand[tender] -= amount
            self.add(OperationFailed(at=self.now, key=key))

    def dispute(self, which: int, amount: int) -> None:
        reference = Reference(self.number("dispute"))
        if which == 5:
            self.by_hand[CARD] = self.by_hand.get(CARD, 0) - amount
            self.lost += amount
            self.say(reference, amount, DisputeStatus.LOST)
        else:
            self.by_hand[CARD] = self.by_hand.get(CARD, 0) - amount
            self.disputed += amount
            self.open_disputes[reference] = CARD, amount
            self.say(reference, amount, DisputeStatus.OPENED)

    def end_dispute(self, which: int, _: int) -> None:
        if self.open_disputes:
            reference = next(iter(self.open_disputes))
            tender, amount = self.open_disputes.pop(reference)
            self.disputed -= amount
            if which % 2:
                self.by_hand[tender] += amount
                self.say(reference, amount, DisputeStatus.WON)
            else:
                self.lost += amount
                self.say(reference, amount, DisputeStatus.LOST)

    def say(self, reference: Reference, amount: int, status: DisputeStatus) -> None:
        self.add(
            DisputeReported(
                at=self.now, reference=reference, tender=CARD, amount=eur(amount), status=status
            )
        )

    # --- documents ------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        order = self.current
        return Source(
            order=ORDER, priced=order.priced, credits=order.credits, documents=order.documents
        )

    def invoice(self, which: int, count: int) -> None:
        lines = self.current.priced.lines
        line = lines[which % len(lines)]
        wanted = to_invoice(self.source, {line.id: SlotSet.of(0, min(count, line.quantity))})
        if wanted:
            self.issue(build(InvoiceBasis(header=HEADER, sources=((self.source, wanted),))))

    def credit_note(self, _: int, __: int) -> None:
        if pending_credits(self.source):
            self.issue(build(CreditNoteBasis(header=HEADER, source=self.source)))

    def issue(self, document: Document) -> None:
        number = DocumentNumber(self.number("doc"))
        self.add(DocumentIssued(at=self.now, series=Series("D"), number=number, document=document))

    def give_back(self, which: int, count: int) -> None:
        order = self.current
        line = order.priced.lines[which % len(order.priced.lines)]
        free = Worth.after(order.priced, order.credits).open_of(line.id).lowest(count % 3 + 1)
        if free:
            self.credit(items=(RefundItem(line=line.id, slots=free),))

    def goodwill(self, _: int, amount: int) -> None:
        self.credit(goodwill=eur(amount))

    def credit(self, *, items: tuple[RefundItem, ...] = (), goodwill: Money | None = None) -> None:
        order = self.current
        try:
            request = RefundRequest(
                id=CreditId(self.number("credit")),
                cause=CreditCause.RETURNED if items else CreditCause.GOODWILL,
                items=items,
                goodwill=goodwill,
            )
            basis = RefundBasis(priced=order.priced, credits=order.credits)
            granted = calculate(basis, request).credit
        except (RefusedError, InvalidRefundError):
            return
        self.add(CreditGranted(at=self.now, credit=granted))

    # --- what must be true ----------------------------------------------------------------------

    def check(self) -> None:
        book = self.book
        assert 0 == sum(book.values())
        for tender, account in ACCOUNTS.items():
            assert self.by_hand.get(tender, 0) == book.get(account, 0)
        assert self.disputed == book.get(Account(AccountKind.DISPUTES), 0)
        receivable = book.get(Account(AccountKind.RECEIVABLE), 0)
        deposits = book.get(Account(AccountKind.DEPOSITS), 0)
        payable = book.get(Account(AccountKind.REFUNDS_PAYABLE), 0)
        assert receivable >= 0 >= max(deposits, payable)
        assert receivable == 0 or deposits == payable == 0
        held = sum(self.by_hand.values()) + self.disputed
        stated = self.check_documents()
        assert stated - held == receivable + deposits + payable

    def check_documents(self) -> int:
        """Revenue and tax are what the documents say, by hand; answers their gross sum."""
        gross = tax = 0
        for document in self.current.documents:
            sign = -1 if document.kind is DocumentKind.CREDIT_NOTE else 1
            gross += sign * document.totals.gross.minor
            tax += sign * document.totals.tax.minor
        booked = dict.fromkeys(AccountKind, 0)
        for account, minor in self.book.items():
            booked[account.kind] += minor
        assert -tax == booked[AccountKind.TAX]
        earned = sum(
            booked[kind]
            for kind in (
                AccountKind.SALES,
                AccountKind.DISCOUNTS,
                AccountKind.SHIPPING,
                AccountKind.CHARGES,
                AccountKind.ALLOWANCES,
            )
        )
        assert tax - gross == earned
        assert booked[AccountKind.SALES] <= 0 <= booked[AccountKind.DISCOUNTS]
        return gross


def _entries(before: Order | None, event: Event, after: Order) -> tuple[Entry, ...]:
    return entries(before, event, after)


def law_of_the_books(story: Story, entries: Entries = _entries) -> None:
    """Every entry balances, and the accounts are what was really paid and stated (D-4)."""
    priced, happenings = story
    till = Till(priced, entries)
    for happening in happenings:
        till.step(happening)


Pay = Callable[[Payout], tuple[Entry, ...]]


def law_of_payouts(amounts: Iterable[tuple[int, int]], pay: Pay = payout_entry) -> None:
    """What a gateway has paid out it holds no longer (RULES D-5)."""
    clearing = Account(AccountKind.CLEARING, "acme")
    pairs = list(amounts)
    book = {clearing: sum(gross for gross, _ in pairs)}
    for n, (gross, fees) in enumerate(pairs):
        payout = Payout(
            gateway="acme",
            reference=Reference(f"po-{n}"),
            gross=eur(gross),
            fees=eur(fees),
            net=eur(gross - fees),
            at=START,
        )
        for entry in pay(payout):
            for row in entry.rows:
                book[row.account] = book.get(row.account, 0) + row.amount.minor
    assert 0 == book[clearing]
    assert sum(gross - fees for gross, fees in pairs) == book.get(Account(AccountKind.BANK), 0)
    assert sum(fees for _, fees in pairs) == book.get(Account(AccountKind.GATEWAY_FEES), 0)


payouts = st.lists(st.tuples(st.integers(-5000, 5000), st.integers(0, 500)), max_size=5)


@LAW
@given(stories)
def test_the_books_balance(story: Story) -> None:
    """For any facts of money, documents and credits (RULES D-4)."""
    law_of_the_books(story)


@LAW
@given(payouts)
def test_clearing_is_empty_after_payout(amounts: list[tuple[int, int]]) -> None:
    """Whatever the fees, and also when the gateway takes money back (RULES D-5)."""
    law_of_payouts(amounts)
