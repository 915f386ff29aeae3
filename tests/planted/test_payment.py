"""
Wrong ways to move money, each of which a law must notice.

Most are bugs that shops have had: a timeout taken for a decline, a webhook that counts twice, a
failure that a repeated success undoes, a chargeback that is charged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import Key, OrderId, TenderId
from ordercore.money import Money
from ordercore.payment import _cover as covering
from ordercore.payment import _replies as replying
from ordercore.payment import balance as balancing
from ordercore.payment import decide as deciding
from ordercore.payment import intents as intending
from ordercore.payment import reports as reporting
from ordercore.payment._book import Book, Sums, Term
from ordercore.payment._case import Case
from ordercore.payment.answers import Succeeded
from ordercore.payment.commands import PaymentReport, ReportOperation
from ordercore.payment.events import (
    DisputeReported,
    OperationNeverHappened,
    OperationSucceeded,
)
from ordercore.payment.intents import Desk, Want
from ordercore.payment.model import Dispute, DisputeStatus, Intent, Operation, OperationState
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import (
    Fate,
    Shop,
    Wishes,
    dispute,
    failure,
    law_of_order,
    law_of_the_end,
    law_of_the_purse,
    law_of_truth,
    with_wishes,
)
from tests.laws.test_payment import (
    BASIS,
    INTENTS,
    OPERATIONS,
    REFERENCES,
    answer,
    facts_about,
    law_of_balances,
    law_of_declared,
    law_of_keys,
    law_of_lost_disputes,
    law_of_parts,
    law_of_repeats,
    law_of_silence,
    law_of_surplus,
    law_of_the_largest,
    webhook,
)

CAPTURE = INTENTS[2]


def history() -> None:
    """An order sent in two parcels and then cancelled; its calls get lost and come late."""
    shop = Shop(wishes=Wishes(claimable=4_000))
    shop.work()
    with_wishes(shop, claimable=6_000)
    shop.step()
    shop.step([Fate.LATE])
    for _ in range(3):
        shop.wait(20)
        shop.work()
        law_of_truth(shop)
        law_of_the_purse(shop)
    for report in shop.gateway.webhooks(shop.now):
        shop.tell(report)
    with_wishes(shop, ended=True)
    shop.step()
    shop.step([Fate.LATE, Fate.LATE])
    shop.settle(12)
    law_of_truth(shop)
    law_of_the_purse(shop)
    law_of_the_end(shop)


def changes() -> None:
    """An order that grows while its authorisation fades; the answers get lost and come late."""
    able = Capabilities(incremental=True, extend=True)
    shop = Shop(capabilities=able, policy=PaymentPolicy(renew_before=timedelta(days=2)))
    shop.work()
    for owed, fate in ((11_000, Fate.LOST_ANSWER), (12_000, Fate.FINE), (13_000, Fate.LATE)):
        with_wishes(shop, owed=owed)
        shop.step()
        shop.step([fate])
        with_wishes(shop, claimable=4_000 if fate is Fate.LATE else 0)
        for _ in range(3):
            shop.step()
            law_of_truth(shop)
            shop.wait(20)
        for report in shop.gateway.webhooks(shop.now):
            shop.tell(report)
        shop.work()
        assert owed == shop.state.book.total.authorised + shop.state.book.total.captured
    with_wishes(shop, ended=True)
    shop.settle(12)
    law_of_truth(shop)
    law_of_the_end(shop)
    _fading(able)


def _fading(able: Capabilities) -> None:
    """What fades lasts longer, and is taken past its first end."""
    shop = Shop(capabilities=able, policy=PaymentPolicy(renew_before=timedelta(days=2)))
    shop.work()
    shop.wait(60 * 24 * 6)
    shop.step()
    shop.step([Fate.LOST_ANSWER, Fate.LOST_ANSWER])
    with_wishes(shop, owed=9_000)
    shop.work()
    shop.wait(60 * 24 * 2)
    shop.work()
    with_wishes(shop, claimable=9_000)
    shop.settle(2)
    assert 9_000 == shop.gateway.moved(Operation.CAPTURE)
    assert 2 == len(list(shop.state.of(Operation.AUTHORISE)))


def expiry() -> None:
    """Two parcels leave: one in the last minutes of the authorisation, one after its end."""
    shop = Shop(policy=PaymentPolicy(renew_before=timedelta(0)))
    shop.work()
    shop.wait(60 * 24 * 7 - 5)
    with_wishes(shop, claimable=4_000)
    shop.work()
    shop.wait(60)
    with_wishes(shop, claimable=10_000)
    shop.settle(2)
    law_of_truth(shop)
    assert 10_000 == shop.gateway.moved(Operation.CAPTURE)


def order_of_facts() -> None:
    """The orders of facts that shops have tripped over."""
    success, pending = facts_about(CAPTURE)[0], facts_about(CAPTURE)[2]
    declined = facts_about(CAPTURE)[3]
    reference = REFERENCES[CAPTURE.key]
    failed = failure(Operation.CAPTURE, reference)
    lost = dispute(DisputeStatus.LOST, reference, hours=50, minor=900)
    won = dispute(DisputeStatus.WON, reference, hours=30, minor=900)
    told = webhook(CAPTURE, percent=100, named=False)
    more = webhook(CAPTURE, percent=120, named=False)
    stories: list[list[PaymentReport]] = [
        [success, failed],
        [success, declined],
        [pending, declined, told],
        [success, told, more],
        [success, lost, won],
        [success, failed, told],
    ]
    for story in stories:
        law_of_the_largest(story)
        law_of_repeats(story)
        law_of_order(story, [*reversed(story), story[0]], OPERATIONS, BASIS)
        law_of_order(story, [*story, *story], OPERATIONS, BASIS)


def silence() -> None:
    for minutes in (0, 20, 46, 47, 600, 1_439, 1_440, 3_000):
        law_of_silence(minutes)


def keys() -> None:
    law_of_keys(("a:b", Operation.CAPTURE, "c", 1), ("a", Operation.CAPTURE, "b:c", 1))
    law_of_keys(("a", Operation.CAPTURE, "b", 1), ("a", Operation.CAPTURE, "b", 2))


def parts() -> None:
    law_of_parts([None, 3_000], 10_000)
    law_of_parts([3_000, None, 9_000], 10_000)
    law_of_parts([3_000], 10_000)


def surplus() -> None:
    for owed, less in ((10_000, 1), (10_000, 2_999), (10_000, 10_000), (1, 0)):
        law_of_surplus(owed, less)


def declared() -> None:
    """Parcel after parcel, a part by hand, an order that shrinks, and all of it back."""
    for can in (
        Capabilities(partial_capture=False),
        Capabilities(multiple_capture=False),
        Capabilities(refund_before_settlement=False),
    ):
        law_of_declared(can, [4_001, 3_000, 2_000])


def lost_disputes() -> None:
    law_of_lost_disputes(5_000, 900)


def balances() -> None:
    law_of_balances(
        [
            answer(INTENTS[0], _whole(0)),
            answer(CAPTURE, _whole(2)),
            answer(INTENTS[5], _whole(5)),
            failure(Operation.CAPTURE, REFERENCES[CAPTURE.key]),
        ]
    )


def _whole(index: int) -> Succeeded:
    known = INTENTS[index]
    return Succeeded(reference=REFERENCES[known.key], amount=known.amount)


LAWS = (
    history,
    expiry,
    order_of_facts,
    silence,
    keys,
    parts,
    surplus,
    declared,
    lost_disputes,
    balances,
)


@pytest.mark.parametrize("law", LAWS)
def test_the_laws_hold(law: Callable[[], None]) -> None:
    """Without a bug every law holds, so what falls below falls because of the bug."""
    law()


def too_early(_case: Case, found: OperationState, at: datetime) -> Event:
    """ "Not found" is believed at once."""
    return OperationNeverHappened(key=found.intent.key, at=at)


def never_forgotten(case: Case, found: OperationState, at: datetime) -> Event:
    """ "Not found" is believed when the gateway has forgotten the key long ago."""
    able = evolve(case.capabilities, key_lifetime=timedelta(days=999))
    return _NOT_FOUND(evolve(case, capabilities=able), found, at)


def joined_key(order: OrderId, operation: Operation, tender: TenderId, attempt: int) -> Key:
    """Two ids with a colon in them make one key."""
    return Key(f"{order}:{tender}:{operation}:{attempt}")


def one_key(order: OrderId, operation: Operation, tender: TenderId, _attempt: int) -> Key:
    """A second attempt has the key of the first, and gets its answer."""
    return _KEY(order, operation, tender, 1)


def held(self: Sums) -> int:
    """What a bank took counts as given back, so it is charged again."""
    return self.captured - self.refunded - self.disputes_lost


def keeps_nothing(_case: Case, _report: object) -> Iterator[Event]:
    """A report that fits nothing is dropped."""
    return iter(())


def forgets(_before: PaymentState, _case: Case) -> Iterator[Event]:
    """A report that waits is never looked at again."""
    return iter(())


def revives(_case: Case, found: OperationState, command: ReportOperation) -> Iterator[Event]:
    """A success that comes again adds up with the first."""
    known = found.settled or Money.zero(command.amount.currency)
    yield OperationSucceeded(
        key=found.intent.key,
        reference=command.reference,
        amount=known + command.amount,
        at=command.at,
    )


def any_news(_found: OperationState, _command: ReportOperation) -> bool:
    """Whatever a webhook says is news."""
    return True


def last_word(told: Dispute, _known: tuple[Dispute, ...]) -> Iterator[Event]:
    """The report that comes last counts, whenever the bank decided."""
    yield DisputeReported(
        reference=told.reference,
        tender=told.tender,
        amount=told.amount,
        status=told.status,
        at=told.at,
    )


def no_flight(self: OperationState) -> Money:
    """What is in doubt does not count as under way."""
    return Money.zero(self.intent.amount.currency)


def failed_counts(self: OperationState) -> Money:
    """A failed capture still counts as money."""
    return self.settled or Money.zero(self.intent.amount.currency)


def takes_all(desk: Desk, found: OperationState, surplus: int) -> int:
    """A void takes the whole authorisation, needed or not."""
    return 0 if desk.book.is_busy(found) else desk.book.live(found) * (surplus > 0)


def never_voids(_desk: Desk, _found: OperationState, _surplus: int) -> int:
    """What is too much stays authorised."""
    return 0


def any_part(desk: Desk, found: OperationState, want: int) -> int:
    """A part of an authorisation is captured, whether the gateway can do that or not."""
    return 0 if desk.book.is_busy(found) else max(0, min(want, desk.book.live(found)))


def any_surplus(desk: Desk, found: OperationState, surplus: int) -> int:
    """A part of an authorisation is voided, whether the gateway can do that or not."""
    return 0 if desk.book.is_busy(found) else max(0, min(surplus, desk.book.live(found)))


def stays_open(*given: Any, **named: Any) -> Intent:  # noqa: ANN401  # whatever the real one takes
    """A capture leaves its authorisation open, though the gateway allows one only."""
    return evolve(_INTENT(*given, **named), closes=False)


def settled_at_once(_desk: Desk, _capture: OperationState) -> bool:
    """A capture is refunded as soon as it is made."""
    return True


def unchecked(_desk: Desk, _want: Want) -> None:
    """A part that a person asks for is asked of any gateway."""


def adds_up(self: Book, authorisation: OperationState) -> int:
    """Increases are added to what was authorised."""
    raised = self.changes(authorisation, Operation.INCREASE)
    return authorisation.moved.minor + sum(change.moved.minor for change in raised)


def as_at_first(self: Book, authorisation: OperationState) -> int:
    """Increases are forgotten."""
    del self
    return authorisation.moved.minor


def never_changing(self: Book, authorisation: OperationState, *kinds: Operation) -> None:
    """An increase or extension that is under way counts for nothing."""
    del self, authorisation, kinds


def never_awaits(_desk: Desk, _authorisation: OperationState) -> bool:
    """It is captured while an increase may still arrive."""
    return False


def first_end(self: Book, authorisation: OperationState) -> Term:
    """Extensions do not lengthen anything."""
    del self
    return Term(began=authorisation.settled_at, ends=authorisation.expires_at)


def too_late_an_end(self: Book, authorisation: OperationState) -> Term:
    """An authorisation is thought to stand a month longer than the gateway said."""
    term = _TERM(self, authorisation)
    return evolve(term, ends=term.ends and term.ends + timedelta(days=30))


def changes_anything(desk: Desk, found: OperationState, operation: Operation) -> bool:
    """Whatever stands is raised and extended, whether the gateway can do that or not."""
    del operation
    return desk.book.is_untouched(found)


def generous(desk: Desk) -> Iterator[Want]:
    """Everything that was captured goes back as soon as anything does."""
    for want in _REFUNDS(desk):
        assert want.target is not None
        whole = desk.state.operations[want.target].intent.amount
        yield evolve(want, amount=whole + whole)


def greedy(state: PaymentState, owed: Money) -> dict[TenderId, Money]:
    """Each tender is to pay all that is owed."""
    return {tender.id: owed for tender in state.tenders}


_NOT_FOUND = replying._not_found
_KEY = intending.operation_key
_REFUNDS = intending.refunds
_INTENT = intending.intent_of
_TERM = Book.term

BUGS: list[tuple[object, str, object, Callable[[], None]]] = [
    (replying, "_not_found", too_early, silence),
    (replying, "_not_found", too_early, history),
    (replying, "_not_found", never_forgotten, silence),
    (intending, "operation_key", joined_key, keys),
    (intending, "operation_key", one_key, keys),
    (intending, "operation_key", one_key, history),
    (Sums, "taken", property(held), lost_disputes),
    (reporting, "_wait", keeps_nothing, order_of_facts),
    (reporting, "_happened", revives, order_of_facts),
    (reporting, "_is_news", any_news, order_of_facts),
    (reporting, "_dispute_facts", last_word, order_of_facts),
    (OperationState, "in_flight", property(no_flight), history),
    (OperationState, "moved", property(failed_counts), balances),
    (intending, "_voidable", takes_all, surplus),
    (intending, "_voidable", never_voids, surplus),
    (intending, "_voidable", never_voids, history),
    (intending, "_capturable", any_part, declared),
    (intending, "_voidable", any_surplus, declared),
    (intending, "intent_of", stays_open, declared),
    (Desk, "is_settled", settled_at_once, declared),
    (deciding, "_check_whole", unchecked, declared),
    (intending, "refunds", generous, history),
    (balancing, "planned", greedy, parts),
    (Book, "granted", adds_up, changes),
    (Book, "granted", as_at_first, changes),
    (Book, "changing", never_changing, changes),
    (Desk, "awaits_change", never_awaits, changes),
    (Book, "term", first_end, changes),
    (Book, "term", too_late_an_end, changes),
    (Book, "term", too_late_an_end, expiry),
    (covering, "_may_change", changes_anything, declared),
]


def test_the_story_of_changes_is_sound() -> None:
    """Without a bug, what grows and fades keeps every law."""
    changes()


@pytest.mark.parametrize(("where", "name", "bug", "law"), BUGS)
def test_each_bug_falls(
    where: object,
    name: str,
    bug: object,
    law: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the bug in place its law does not hold."""
    monkeypatch.setattr(where, name, bug)
    with pytest.raises(AssertionError):
        law()
