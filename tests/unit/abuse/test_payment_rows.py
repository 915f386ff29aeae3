"""ABUSE 32 to 41 and 47 at the real service, over each store, with the sandbox gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.fulfilment.commands import AcceptCancel
from ordercore.ids import OrderId, Reference, TenderId
from ordercore.money import USD, Money
from ordercore.order import commands as oc
from ordercore.order.status import Flag, statuses
from ordercore.order.terms import Blocks, Terms
from ordercore.payment import commands as pc
from ordercore.payment._fields import InvalidPaymentError
from ordercore.payment.answers import Answer, Succeeded
from ordercore.payment.cards import CardNumberError
from ordercore.payment.decide import (
    AlreadyCapturedError,
    AuthorisationClosedError,
    CaptureExceedsAuthorisationError,
    NothingToVoidError,
    RefundExceedsCapturedError,
)
from ordercore.payment.events import OperationDeclined, OperationParked, OperationSucceeded
from ordercore.payment.model import DisputeStatus, Operation, OperationStatus, Tender
from ordercore.payment.policy import Capabilities
from ordercore.ports.unit_of_work import KeyReusedError
from ordercore.refund.model import CreditCause, RefundRequest
from ordercore.testing.sandbox import Fate
from tests.laws.order_world import basket, eur, line
from tests.unit.abuse.desk import BY_HAND, CARD, PAN, PANS, Desk, desks, refused
from tests.unit.service.test_abuse import dump

BOTH: Final = ("memory", "sqlite")
OWN: Final = TenderId("card")


@pytest.fixture(params=BOTH)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk over each store."""
    yield from desks(request.param, tmp_path)


def loose(value: object) -> Any:  # noqa: ANN401 - it is bad on purpose
    """A value without its type."""
    return value


def authorised(desk: Desk) -> None:
    """Twenty euros are set aside, and captured by hand only."""
    desk.place(terms=BY_HAND)


def taken(desk: Desk) -> None:
    """All of them are captured."""
    authorised(desk)
    desk.do(pc.CaptureNow())


def voided(desk: Desk) -> None:
    """They were let go."""
    authorised(desk)
    desk.do(pc.VoidAuthorisation(tender=OWN))


def faded(desk: Desk) -> None:
    """Seven days have passed, and nobody is asked anew."""
    authorised(desk)
    desk.do(oc.PlaceHold(kind=loose("stop"), blocks=(Blocks.CAPTURE,)))
    desk.clock.forward(timedelta(days=8))
    desk.gateway.meet(Fate.LOST_CALL)
    desk.work()
    desk.do(oc.ReleaseHold(kind=loose("stop")))


def disputed(desk: Desk) -> None:
    """All was taken, and the payer's bank wants it back."""
    taken(desk)
    capture = desk.told(Operation.CAPTURE).reference
    desk.gateway.dispute(capture, reference=Reference("case-1"))
    desk.hear()


def placed_again(desk: Desk) -> object:
    """Another basket under the key of the first."""
    return desk.place("o-2", key="place-o-1", priced=basket(line("tea", 3)))


def paid_back(minor: int) -> pc.RecordRefund:
    """Money that somebody gives back by hand."""
    return pc.RecordRefund(tender=OWN, amount=eur(minor), reference=Reference("slip"))


Row = tuple[Callable[[Desk], object], Callable[[Desk], object], type[OrderCoreError]]
REFUSED: Final[dict[str, Row]] = {
    "32-another-amount": (authorised, placed_again, KeyReusedError),
    "32-another-currency": (
        authorised,
        lambda desk: desk.place("o-2", key="place-o-1", tenders=(evolve(CARD, amount=eur(1)),)),
        KeyReusedError,
    ),
    "37-more-than-authorised": (
        authorised,
        lambda desk: desk.do(pc.CaptureNow(amount=eur(2001))),
        CaptureExceedsAuthorisationError,
    ),
    "37-without-end": (
        authorised,
        lambda desk: desk.do(pc.CaptureNow(amount=eur(2**62))),
        CaptureExceedsAuthorisationError,
    ),
    "38-twice": (taken, lambda desk: desk.do(pc.CaptureNow()), AlreadyCapturedError),
    "38-twice-some": (
        taken,
        lambda desk: desk.do(pc.CaptureNow(amount=eur(1))),
        AlreadyCapturedError,
    ),
    "38-after-a-void": (
        voided,
        lambda desk: desk.do(pc.CaptureNow()),
        AuthorisationClosedError,
    ),
    "38-void-twice": (
        voided,
        lambda desk: desk.do(pc.VoidAuthorisation(tender=OWN)),
        NothingToVoidError,
    ),
    "38-after-seven-days": (
        faded,
        lambda desk: desk.do(pc.CaptureNow()),
        AuthorisationClosedError,
    ),
    "39-nothing": (
        authorised,
        lambda desk: desk.do(pc.CaptureNow(amount=eur(0))),
        InvalidPaymentError,
    ),
    "39-below-nothing": (
        authorised,
        lambda desk: desk.do(pc.CaptureNow(amount=eur(-1))),
        InvalidPaymentError,
    ),
    "39-no-money": (
        authorised,
        lambda desk: desk.do(pc.CaptureNow(amount=loose(20))),
        OrderCoreError,
    ),
    "39-dollars": (
        authorised,
        lambda desk: desk.do(pc.CaptureNow(amount=Money(1, USD))),
        OrderCoreError,
    ),
    "47-by-hand-while-disputed": (
        disputed,
        lambda desk: desk.do(paid_back(1)),
        RefundExceedsCapturedError,
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_row_is_refused(desk: Desk, row: str) -> None:
    """ABUSE 32, 37 to 39, 47: a typed error, cheap, nothing written, no call made, no secret."""
    before, call, kind = REFUSED[row]
    before(desk)
    called = desk.gateway.ledger()
    refused(kind, lambda: call(desk), store=desk.store)
    assert called == desk.gateway.ledger()
    assert () == desk.gateway.violations()


def card(number: str) -> Tender:
    """A card number where a token belongs."""
    return Tender(id=TenderId("other"), instrument=number)


NUMBERS: Final[dict[str, Callable[[Desk, str], object]]] = {
    "36-token": lambda desk, pan: desk.place("o-2", tenders=(card(pan),)),
    "36-added-token": lambda desk, pan: desk.do(pc.AddTender(tender=card(pan))),
    "36-retried-token": lambda desk, pan: desk.do(pc.RetryPayment(tender=OWN, instrument=pan)),
    "36-tender-id": lambda desk, pan: desk.place(
        "o-2", tenders=(Tender(id=TenderId(pan), instrument="tok"),)
    ),
    "36-payment-reference": lambda desk, pan: desk.do(
        pc.RecordPayment(tender=OWN, amount=eur(1), reference=Reference(pan))
    ),
    "36-refund-reference": lambda desk, pan: desk.do(
        pc.RecordRefund(tender=OWN, amount=eur(1), reference=Reference(pan))
    ),
    "36-metadata": lambda desk, pan: desk.do(oc.AddReference(system="erp", value=pan)),
    "36-metadata-name": lambda desk, pan: desk.do(oc.AddReference(system=pan, value="1")),
    "36-placed-metadata": lambda desk, pan: desk.place("o-2", references=(("erp", pan),)),
    "36-tag": lambda desk, pan: desk.do(oc.ChangeTags(add=(pan,))),
}


@pytest.mark.parametrize("row", NUMBERS)
def test_card_number_is_refused(desk: Desk, row: str) -> None:
    """ABUSE 36: in payment fields and in metadata, however it is written; it is told nowhere."""
    authorised(desk)
    for number in PANS:
        refused(CardNumberError, lambda: NUMBERS[row](desk, number), store=desk.store)  # noqa: B023


def planned(desk: Desk) -> str:
    """Another order, which nobody works on yet."""
    desk.place("o-2", terms=Terms(release_automatically=False))
    return "o-2"


WORDS: Final[dict[str, Callable[[Desk, str], object]]] = {
    "36-note": lambda desk, pan: desk.do(oc.AddNote(text=pan)),
    "36-reason": lambda desk, pan: desk.do(oc.Cancel(reason=pan), planned(desk)),
    "36-hold": lambda desk, pan: desk.do(
        oc.PlaceHold(kind=loose("x"), blocks=(Blocks.SHIP,), reason=pan)
    ),
    "36-timeline": lambda desk, pan: desk.service.execute(
        OrderId("o-1"), oc.AddNote(text="x"), reason=pan
    ),
    "36-failure": lambda desk, pan: desk.do(
        pc.ReportFailure(
            operation=Operation.CAPTURE,
            reference=Reference("nobody"),
            reason=pan,
            at=desk.clock.now,
        )
    ),
    "36-channel": lambda desk, pan: desk.place("o-2", channel=pan),
}


@pytest.mark.parametrize("row", WORDS)
def test_card_number_is_masked(desk: Desk, row: str) -> None:
    """ABUSE 36: in free words it is masked, before anything is kept."""
    authorised(desk)
    for number in PANS[:3]:
        if row == "36-reason" and number != PAN:
            continue  # an order is cancelled once
        if row == "36-channel" and number != PAN:
            continue  # and placed once
        WORDS[row](desk, f"it was {number}, he said")
    kept = str(dump(desk.store))
    assert "card number removed" in kept
    assert not [number for number in PANS if number in kept]


# --- what the gateway says, and when ------------------------------------------------------------


def bent(desk: Desk, change: Callable[[Succeeded], Answer]) -> None:
    """The next answer comes bent."""

    def bend(answer: Answer) -> Answer:
        assert isinstance(answer, Succeeded)
        return change(answer)

    desk.gateway.bend = bend


BENDS: Final[dict[str, Callable[[Succeeded], Answer]]] = {
    "33-amount-above": lambda told: evolve(told, amount=told.amount + told.amount),
    "33-amount-below": lambda told: evolve(told, amount=eur(1)),
    "33-currency": lambda told: evolve(told, amount=Money(told.amount.minor, USD)),
}


@pytest.mark.parametrize("operation", [Operation.AUTHORISE, Operation.CAPTURE, Operation.REFUND])
@pytest.mark.parametrize("row", BENDS)
def test_row_is_parked(desk: Desk, row: str, operation: Operation) -> None:
    """ABUSE 33: another amount or currency leaves the operation to a person, by name."""
    if operation is Operation.AUTHORISE:
        bent(desk, BENDS[row])
        authorised(desk)
    else:
        authorised(desk)
        if operation is Operation.CAPTURE:
            bent(desk, BENDS[row])
        desk.do(pc.CaptureNow())
    if operation is Operation.REFUND:
        bent(desk, BENDS[row])
        desk.do(oc.Cancel())
        for work in desk.load().fulfilment.open_orders:
            desk.do(AcceptCancel(fulfilment=work.id))
    (found,) = desk.load().payment.of(operation)
    assert OperationStatus.PARKED is found.status
    (parked,) = desk.facts(OperationParked)
    assert "does not fit what was asked" in parked.reason
    before = desk.gateway.ledger()
    desk.shop.rest(rounds=10, step=timedelta(hours=12))
    assert before == desk.gateway.ledger(), "nobody tries again"
    assert () == desk.gateway.violations()


def test_33_another_reference_is_parked(desk: Desk) -> None:
    """ABUSE 33: what the gateway has called something else before is left to a person."""
    desk.gateway.meet(Fate.PENDING)
    authorised(desk)
    (found,) = desk.load().payment.of(Operation.AUTHORISE)
    other = Succeeded(reference=Reference("another"), amount=eur(2000))
    desk.do(pc.ReportAnswer(key=found.intent.key, answer=other, at=desk.clock.now))
    (found,) = desk.load().payment.of(Operation.AUTHORISE)
    assert OperationStatus.PARKED is found.status


@pytest.mark.parametrize("fate", [Fate.LOST_ANSWER, Fate.LOST_CALL, Fate.ERROR, Fate.LATE_CALL])
@pytest.mark.parametrize("row", ["34"])
def test_row_is_doubt(desk: Desk, row: str, fate: Fate) -> None:
    """ABUSE 34: a timeout is in doubt, never declined; it is found out, and counts once."""
    del row
    desk.gateway.meet(fate)
    authorised(desk)
    assert Flag.IN_DOUBT in statuses(desk.load()).flags
    desk.shop.rest(rounds=30)
    assert [] == desk.facts(OperationDeclined)
    assert Flag.IN_DOUBT not in statuses(desk.load()).flags
    assert (2000, 0, 0, 0) == desk.moved()


@pytest.mark.parametrize("by", ["worker", "webhook", "both"])
@pytest.mark.parametrize("row", ["35"])
def test_row_is_voided(desk: Desk, row: str, by: str) -> None:
    """ABUSE 35: what is approved for a cancelled order is let go again, whoever tells of it."""
    del row
    desk.gateway.meet(Fate.LOST_ANSWER)
    authorised(desk)
    desk.do(oc.Cancel())
    assert (2000, 0, 0, 0) == desk.moved()
    if by != "worker":
        desk.hear()
    if by != "webhook":
        desk.clock.forward(timedelta(minutes=20))
        desk.work()
    desk.shop.rest(rounds=3)
    assert (0, 0, 2000, 0) == desk.moved()
    assert [Operation.AUTHORISE, Operation.VOID] == [
        one.operation for one in desk.gateway.ledger(OrderId("o-1"))
    ]


@pytest.mark.parametrize("row", ["40"])
def test_row_is_captured_once(desk: Desk, row: str) -> None:
    """ABUSE 40: worker and webhook at once make one capture event, and one capture."""
    del row
    authorised(desk)
    desk.gateway.meet(Fate.LOST_ANSWER)
    desk.do(pc.CaptureNow())
    told = desk.told(Operation.CAPTURE)
    desk.clock.forward(timedelta(minutes=20))
    services = [desk.another(name) for name in ("worker", "hook", "hook again")]
    calls: tuple[Callable[[], object], ...] = (
        lambda: services[0].run_due(limit=5),
        lambda: services[1].execute(OrderId("o-1"), told, key="evt-1"),
        lambda: services[2].execute(OrderId("o-1"), told, key="evt-1"),
    )
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result(timeout=30)
    captures = [fact for fact in desk.facts(OperationSucceeded) if fact.key.startswith("capture")]
    assert 1 == len(captures)
    assert (0, 2000, 0, 0) == desk.moved()


@pytest.mark.parametrize("row", ["41"])
def test_row_is_a_success(desk: Desk, row: str) -> None:
    """ABUSE 41: money that was captured already is a success, and is never given back for it."""
    del row
    authorised(desk)
    desk.gateway.meet(Fate.KEPT_ERROR)
    desk.do(pc.CaptureNow())
    desk.shop.rest(rounds=30)
    assert (0, 2000, 0, 0) == desk.moved()
    assert () == tuple(desk.load().payment.of(Operation.REFUND))
    desk.hear()
    desk.shop.rest(rounds=3)
    assert (0, 2000, 0, 0) == desk.moved()


@pytest.mark.parametrize("end", DisputeStatus)
@pytest.mark.parametrize("row", ["47"])
def test_row_is_paid_back_once(desk: Desk, row: str, end: DisputeStatus) -> None:
    """ABUSE 47: a refund and a dispute of the same money never both take it."""
    del row
    disputed(desk)
    wanted = RefundRequest(id=loose("kind"), cause=CreditCause.GOODWILL, goodwill=eur(2000))
    desk.do(oc.Refund(quote=desk.service.quote_refund(OrderId("o-1"), wanted)))
    assert (0, 2000, 0, 0) == desk.moved()
    capture = desk.told(Operation.CAPTURE).reference
    if end is not DisputeStatus.OPENED:
        desk.gateway.dispute(capture, reference=Reference("case-1"), status=end)
        desk.hear()
    desk.shop.rest(rounds=5)
    given = 2000 if end is DisputeStatus.WON else 0
    assert (0, 2000, 0, given) == desk.moved()


# --- a gateway that may take more -----------------------------------------------------------------

MORE: Final = Capabilities(over_capture=Fraction(15, 100))


@pytest.fixture(params=BOTH)
def generous(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk whose gateway takes up to 115 % of what was set aside."""
    yield from desks(request.param, tmp_path, MORE)


@pytest.mark.parametrize("row", ["37"])
def test_row_never_takes_more_than_is_owed(generous: Desk, row: str) -> None:
    """ABUSE 37: what a gateway would let us take is no reason to take it."""
    del row
    authorised(generous)
    refused(
        CaptureExceedsAuthorisationError,
        lambda: generous.do(pc.CaptureNow(amount=eur(2300))),
        store=generous.store,
    )
    generous.do(pc.CaptureNow())
    assert (0, 2000, 0, 0) == generous.moved()
