from __future__ import annotations

import sys
from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.ids import OrderId, PartyId, Reference, TenderId
from ordercore.money import EUR
from ordercore.payment.balance import planned, totals
from ordercore.payment.commands import RecordPayment, ReportOperation
from ordercore.payment.intents import next_intents, operation_key
from ordercore.payment.model import DueWhen, Intent, Operation, Tender, TenderKind
from ordercore.payment.operations import StepKind, operation_steps, wake_payment
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import (
    CARD,
    GIFT,
    LIFETIME,
    START,
    Fate,
    Shop,
    Wishes,
    euro,
    with_wishes,
)

BANK = TenderId("bank")


def shop_of(*tenders: Tender, can: Capabilities | None = None) -> Shop:
    return Shop(
        state=PaymentState(tenders=tenders or (Tender(id=CARD),)),
        capabilities=can or Capabilities(),
    )


def brief(intents: tuple[Intent, ...]) -> list[tuple[Operation, str, int]]:
    return [(intent.operation, str(intent.tender), intent.amount.minor) for intent in intents]


def test_the_open_tender_takes_what_the_others_leave() -> None:
    """PAY-1: whatever stands first, a fixed amount is not asked of the open tender."""
    gift = Tender(id=GIFT, kind=TenderKind.GIFT_CARD, amount=euro(3_000))
    for tenders in ((Tender(id=CARD), gift), (gift, Tender(id=CARD))):
        wanted = brief(shop_of(*tenders).intend())
        assert {
            (Operation.AUTHORISE, "card", 7_000),
            (Operation.AUTHORISE, "gift", 3_000),
        } == set(wanted)


def test_what_a_transfer_is_to_bring_is_not_asked_of_the_card() -> None:
    """PAY-7: a prepaid transfer that has not arrived is waited for."""
    bank = Tender(id=BANK, kind=TenderKind.BANK_TRANSFER, amount=euro(3_000))
    shop = shop_of(bank, Tender(id=CARD))
    with_wishes(shop, claimable=3_000)
    shop.work()
    assert 7_000 == shop.gateway.moved(Operation.AUTHORISE)
    assert 0 == shop.gateway.moved(Operation.CAPTURE)
    assert 0 == shop.state.book.total.held
    shop.tell(RecordPayment(tender=BANK, amount=euro(3_000), reference=Reference("t")))
    assert 3_000 == shop.state.book.total.held


def test_a_gift_card_is_taken_before_the_card() -> None:
    """PAY-4: what may be claimed before dispatch is the stored value's part."""
    shop = Shop(wishes=Wishes(claimable=3_000))
    shop.work()
    assert euro(3_000) == totals(shop.state, EUR, tender=GIFT).captured
    assert euro(0) == totals(shop.state, EUR, tender=CARD).captured


def test_deferred_tenders_are_not_authorised() -> None:
    """PAY-7: an invoice is paid later; the gateway is not asked."""
    account = Tender(id=TenderId("account"), kind=TenderKind.ON_ACCOUNT, due=DueWhen.INVOICE)
    shop = shop_of(account)
    assert () == shop.intend()


def test_a_card_due_at_dispatch_is_authorised_at_once() -> None:
    """PAY-7: due later does not mean trusted: the authorisation covers the goods."""
    shop = shop_of(Tender(id=CARD, due=DueWhen.DISPATCH))
    assert [(Operation.AUTHORISE, "card", 10_000)] == brief(shop.intend())


def test_a_currency_that_the_gateway_does_not_take_is_not_asked_for() -> None:
    """PAY-2: the core never asks for what is not declared."""
    shop = shop_of()
    shop.capabilities = Capabilities(currencies=("USD",))
    assert () == shop.intend()


def test_captures_follow_the_goods() -> None:
    """PAY-4: each dispatch takes its part, the last one the rest."""
    shop = shop_of()
    taken: list[int] = []
    for claimable in (2_000, 2_000, 6_500, 10_000):
        with_wishes(shop, claimable=claimable)
        shop.work()
        taken.append(shop.gateway.moved(Operation.CAPTURE))
    assert [2_000, 2_000, 6_500, 10_000] == taken
    assert 3 == len(list(shop.state.of(Operation.CAPTURE)))


def test_one_capture_per_authorisation() -> None:
    """PAY-4: without multiple capture the rest is authorised anew before it is needed."""
    shop = shop_of(can=Capabilities(multiple_capture=False))
    with_wishes(shop, claimable=2_000)
    shop.work()
    assert euro(8_000) == totals(shop.state, EUR).authorised
    assert 2 == len(list(shop.state.of(Operation.AUTHORISE)))
    with_wishes(shop, claimable=10_000)
    shop.work()
    assert 10_000 == shop.gateway.moved(Operation.CAPTURE)


def test_no_partial_capture_waits_for_the_whole() -> None:
    """PAY-2: a part is never asked of a gateway that captures all or nothing."""
    shop = shop_of(can=Capabilities(partial_capture=False))
    with_wishes(shop, claimable=2_000)
    shop.work()
    assert 0 == shop.gateway.moved(Operation.CAPTURE)
    with_wishes(shop, claimable=10_000)
    shop.work()
    assert 10_000 == shop.gateway.moved(Operation.CAPTURE)


def test_no_partial_capture_takes_a_fresh_authorisation_for_less() -> None:
    """PAY-4: when less is owed in the end, the old authorisation is exchanged."""
    shop = shop_of(can=Capabilities(partial_capture=False))
    shop.work()
    with_wishes(shop, owed=8_000, claimable=8_000)
    basis = evolve(shop.basis, has_open_units=False)
    wanted = next_intents(
        shop.state, shop.now, basis=basis, policy=shop.policy, capabilities=shop.capabilities
    )
    assert [(Operation.VOID, "card", 10_000)] == brief(wanted)


def test_nothing_is_captured_by_itself_under_the_manual_policy() -> None:
    """PAY-4: by hand means by hand."""
    shop = shop_of()
    shop.policy = PaymentPolicy(capture=CaptureWhen.MANUAL)
    with_wishes(shop, claimable=10_000)
    shop.work()
    assert 0 == shop.gateway.moved(Operation.CAPTURE)


@pytest.mark.parametrize("flag", ["may_authorise", "may_capture", "may_refund"])
def test_holds_stop_their_kind_of_operation(flag: str) -> None:
    """O-3: a hold stops what it blocks, and nothing else."""
    shop = shop_of()
    with_wishes(shop, claimable=5_000)
    if flag != "may_authorise":
        shop.work()
        with_wishes(shop, claimable=8_000 if flag == "may_capture" else 2_000)
    basis = evolve(
        shop.basis,
        may_authorise=flag != "may_authorise",
        may_capture=flag != "may_capture",
        may_refund=flag != "may_refund",
    )
    wanted = next_intents(
        shop.state, shop.now, basis=basis, policy=shop.policy, capabilities=shop.capabilities
    )
    assert () == wanted


def test_a_cancel_meets_a_capture_in_flight() -> None:
    """O-5: nothing at first; when the capture lands, all of it goes back."""
    shop = shop_of()
    shop.work()
    with_wishes(shop, claimable=10_000)
    shop.step()
    shop.step([Fate.LOST_ANSWER])
    with_wishes(shop, ended=True)
    assert () == shop.intend()
    assert 10_000 == shop.gateway.moved(Operation.CAPTURE)
    for report in shop.gateway.webhooks(shop.now):
        shop.tell(report)
    shop.work()
    assert 10_000 == shop.gateway.moved(Operation.REFUND)


def test_refunds_go_over_the_captures_oldest_first() -> None:
    """RF-5: never more to a capture than it brought."""
    shop = shop_of()
    for claimable in (2_000, 6_500, 10_000):
        with_wishes(shop, claimable=claimable)
        shop.work()
    with_wishes(shop, owed=4_000)
    shop.work()
    refunds = [found.intent.amount.minor for found in shop.state.of(Operation.REFUND)]
    assert [2_000, 4_000] == refunds


def test_what_covers_more_than_its_part_brings_it() -> None:
    """PAY-4: a tender that was declined for now is not waited for where another covers it all."""
    gift = Tender(id=GIFT, kind=TenderKind.GIFT_CARD, amount=euro(3_000))
    shop = shop_of(gift, Tender(id=CARD))
    shop.intend()
    shop.step([Fate.DECLINED, Fate.FINE])
    with_wishes(shop, owed=7_767)
    shop.wait(60)
    shop.work()
    assert (767, 7_000) == tuple(
        totals(shop.state, EUR, tender=tender).authorised.minor for tender in (GIFT, CARD)
    )
    with_wishes(shop, claimable=2_000)
    shop.work()
    assert 2_000 == shop.gateway.moved(Operation.CAPTURE)
    with_wishes(shop, claimable=7_767)
    shop.work()
    assert 7_767 == shop.gateway.moved(Operation.CAPTURE)


def test_a_refund_waits_for_the_settlement() -> None:
    """PAY-2: a gateway that refunds settled captures only is asked a day later."""
    shop = shop_of(can=Capabilities(refund_before_settlement=False))
    with_wishes(shop, claimable=10_000)
    shop.work()
    with_wishes(shop, ended=True)
    shop.work()
    assert 0 == shop.gateway.moved(Operation.REFUND)
    settled = START + timedelta(days=1)
    wakes = wake_payment(shop.state, policy=shop.policy, capabilities=shop.capabilities)
    assert settled in set(wakes)
    shop.now = settled
    shop.work()
    assert 10_000 == shop.gateway.moved(Operation.REFUND)


def test_an_authorisation_is_renewed_before_it_expires() -> None:
    """PAY-4: taken anew while the old one still stands; then the old one is voided."""
    shop = shop_of()
    shop.policy = PaymentPolicy(renew_before=timedelta(hours=6))
    shop.work()
    fades = START + LIFETIME - timedelta(hours=6)
    assert fades in set(wake_payment(shop.state, policy=shop.policy))
    shop.now = fades
    shop.work()
    first, second = shop.state.of(Operation.AUTHORISE)
    assert second.expires_at == fades + LIFETIME
    (void,) = shop.state.of(Operation.VOID)
    assert first.intent.key == void.intent.target
    assert euro(10_000) == totals(shop.state, EUR).authorised


def test_a_renewal_never_chases_itself() -> None:
    """A policy longer than the life of an authorisation renews at half of it, not for ever."""
    shop = shop_of()
    shop.policy = PaymentPolicy(renew_before=timedelta(days=30))
    shop.work()
    assert 1 == len(list(shop.state.of(Operation.AUTHORISE)))
    shop.now = START + LIFETIME / 2
    shop.work()
    assert 2 == len(list(shop.state.of(Operation.AUTHORISE)))


def test_an_expired_authorisation_is_closed_and_taken_anew() -> None:
    """PAY-4: nothing is captured after expiry."""
    shop = shop_of()
    shop.work()
    shop.now = START + LIFETIME
    steps = operation_steps(shop.state, shop.now, capabilities=shop.capabilities)
    assert [StepKind.EXPIRE] == [step.kind for step in steps]
    with_wishes(shop, claimable=10_000)
    shop.work()
    assert 2 == len(list(shop.state.of(Operation.AUTHORISE)))
    assert 10_000 == shop.gateway.moved(Operation.CAPTURE)


def test_a_capture_is_not_sent_after_its_authorisation() -> None:
    """PAY-4: the window of a capture ends with the authorisation."""
    shop = shop_of()
    shop.work()
    shop.now = START + LIFETIME - timedelta(minutes=1)
    with_wishes(shop, claimable=10_000)
    (intent,) = shop.intend()
    assert START + LIFETIME == intent.not_after


def test_steps_are_sent_while_they_may_and_asked_after() -> None:
    """PAY-2: after the window the engine only asks; without look-up a person must."""
    shop = shop_of()
    shop.intend()

    def kinds(*, look_up: bool = True) -> list[StepKind]:
        capabilities = Capabilities(look_up=look_up)
        steps = operation_steps(shop.state, shop.now, capabilities=capabilities)
        return [step.kind for step in steps]

    assert [StepKind.SEND] == kinds()
    shop.wait(15)
    assert [StepKind.SEND] == kinds()
    shop.wait(1)
    assert [StepKind.ASK] == kinds()
    assert [StepKind.PARK] == kinds(look_up=False)


def test_what_is_open_wakes_the_order() -> None:
    """The end of the window, the next question, the next attempt and the expiry are instants."""
    shop = shop_of()
    shop.intend()
    assert [START + timedelta(minutes=15, microseconds=1)] == list(wake_payment(shop.state))
    shop.step([Fate.LOST_CALL])
    assert START + timedelta(minutes=5) in set(wake_payment(shop.state))
    shop = shop_of()
    shop.intend()
    shop.step([Fate.DECLINED])
    assert [START + shop.policy.soft_retry_after] == list(wake_payment(shop.state))
    shop = shop_of()
    shop.work()
    assert [START + LIFETIME] == list(wake_payment(shop.state))


def steps_to_plan(count: int) -> int:
    """How many calls it takes to share what is owed among so many cards that were authorised."""
    tenders = tuple(
        Tender(id=TenderId(f"card-{number}"), amount=euro(1)) for number in range(count)
    )
    shop = shop_of(*tenders, Tender(id=CARD))
    shop.work()
    seen = 0

    def note(_frame: object, event: str, _what: object) -> None:
        nonlocal seen
        seen += event == "call"

    assert shop.state.book.total.authorised == 10_000
    sys.setprofile(note)
    try:
        planned(shop.state, euro(10_000))
    finally:
        sys.setprofile(None)
    return seen


def test_planning_goes_over_the_tenders_once() -> None:
    """Twice the tenders take twice the steps, not four times as many."""
    assert steps_to_plan(60) < 3 * steps_to_plan(30)


def test_keys_fit_every_gateway() -> None:
    """PAY-2: however long the ids are, a key has at most 64 plain characters."""
    key = operation_key(OrderId("o" * 200), Operation.AUTHORISE, TenderId("t" * 200), 10_000)
    assert len(key) <= 64
    assert key == operation_key(
        OrderId("o" * 200), Operation.AUTHORISE, TenderId("t" * 200), 10_000
    )


def test_only_an_authorisation_carries_whose_card_it_is() -> None:
    """The intent says which version of whose data the call carries."""
    shop = shop_of()
    with_wishes(shop, claimable=10_000)
    basis = evolve(shop.basis, party=(PartyId("ann"), 2))
    (intent,) = next_intents(
        shop.state, shop.now, basis=basis, policy=shop.policy, capabilities=shop.capabilities
    )
    assert (PartyId("ann"), 2) == intent.party
    shop.work()
    assert all(found.intent.party is None for found in shop.state.of(Operation.CAPTURE))


def test_what_the_outside_took_counts_before_more_is_taken() -> None:
    """PAY-3: cash that came in lowers what the card has to bring, and its surplus is voided."""
    shop = shop_of(can=Capabilities(partial_void=True))
    shop.work()
    shop.tell(RecordPayment(tender=CARD, amount=euro(4_000), reference=Reference("cash")))
    with_wishes(shop, claimable=10_000)
    shop.work()
    assert 6_000 == shop.gateway.moved(Operation.CAPTURE)
    assert euro(0) == totals(shop.state, EUR).authorised


def test_an_increase_outside_is_let_go() -> None:
    """PAY-3: an authorisation that the gateway made larger is surplus."""
    shop = shop_of(can=Capabilities(partial_void=True))
    shop.work()
    (found,) = shop.state.of(Operation.AUTHORISE)
    assert found.reference is not None
    shop.tell(
        ReportOperation(
            operation=Operation.AUTHORISE,
            reference=found.reference,
            amount=euro(12_000),
            at=shop.now,
        )
    )
    assert [(Operation.VOID, "card", 2_000)] == brief(shop.intend())
