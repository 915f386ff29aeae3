"""Store value that changes while an order is being paid from it."""

from __future__ import annotations

from collections.abc import Callable

from ordercore.adapters.memory import MemoryStore
from ordercore.ids import Key, TenderId
from ordercore.payment.events import OperationDeclined
from ordercore.payment.model import STORE_VALUE, Tender, TenderKind
from ordercore.payment.store_value import IssueValue
from ordercore.ports.unit_of_work import ChangeSet, Committed
from tests.laws.order_world import CARD, STAFF, Clock, Shop, eur, line

GIFT = Tender(
    id=TenderId("gift"),
    kind=TenderKind.GIFT_CARD,
    amount=eur(1000),
    gateway=STORE_VALUE,
    instrument="GC-7",
)


class Slow(MemoryStore):
    """A store in which something happens just before the first refusal is written."""

    def __init__(self, clock: Clock, happen: Callable[[], object]) -> None:
        super().__init__(clock)
        self._happen: Callable[[], object] | None = happen

    def commit(self, changes: ChangeSet) -> Committed:
        facts = (fact for change in changes.streams for fact in change.events)
        happen = self._happen
        if happen is not None and any(isinstance(fact, OperationDeclined) for fact in facts):
            self._happen = None
            happen()
        return super().commit(changes)


def test_a_refusal_counts_only_while_the_account_is_as_it_was_read() -> None:
    """PAY-1: value that came in before the refusal was written is found, and pays."""
    shop = Shop()

    def issue(name: str, minor: int) -> None:
        command = IssueValue(key=Key(name), amount=eur(minor))
        shop.service.credit.execute("GC-7", command, by=STAFF)

    shop.store = Slow(shop.clock, lambda: issue("lot-3", 1000))
    shop.service = shop.another()
    shop.receive("tea", 4)
    issue("lot-1", 1000)
    shop.place(line("tea", 1), tenders=(GIFT, CARD))
    second = shop.place(line("tea", 2), tenders=(GIFT, CARD))
    taken = [second.payment.book.of(tender.id).taken for tender in (GIFT, CARD)]
    assert [1000, 0] == taken
    assert 1000 == second.payment.book.of(CARD.id).authorised
