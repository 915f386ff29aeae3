from __future__ import annotations

import re
from typing import get_args

import pytest

from ordercore.errors import InvalidValueError, NotFoundError, OrderCoreError, RefusedError
from ordercore.facts import Report, Request
from ordercore.fulfilment import commands as fc
from ordercore.ids import HoldKind
from ordercore.order import commands as oc
from ordercore.order.decide import COMMANDS, UnknownCommandError, decide, replay
from ordercore.order.guards import (
    CLOSED,
    REQUESTS,
    NotPossibleError,
    OnHoldError,
    refusal,
)
from ordercore.order.model import Order
from ordercore.order.possible import allowed
from ordercore.order.status import OrderStatus, order_status, statuses
from ordercore.order.terms import Blocks, Stage, StageRule, Terms
from ordercore.payment import commands as pc
from ordercore.returns import commands as rc
from tests.laws.order_world import Shop, line
from tests.laws.test_allowed import law_of_the_answer
from tests.unit.order.lives import BY_HAND_LIVES, LIVES, before, reports, requests
from tests.unit.order.pairs import pairs, report_pairs, tables

STATUSES = tuple(OrderStatus)


@pytest.fixture(scope="module")
def lives() -> dict[OrderStatus, tuple[Shop, Order]]:
    """One order in each status."""
    return {status: life() for status, life in LIVES.items()}


Lives = dict[OrderStatus, tuple[Shop, Order]]


@pytest.mark.parametrize("status", STATUSES)
def test_a_life_ends_in_its_status(lives: Lives, status: OrderStatus) -> None:
    """The orders of these tests are in the status that they are named for."""
    assert status is order_status(lives[status][1])
    assert status is order_status(BY_HAND_LIVES[status]()[1])


@pytest.mark.parametrize("status", STATUSES)
def test_allowed_answers_for_every_status(lives: Lives, status: OrderStatus) -> None:
    """O-2: `allowed` says of each kind in each status what `decide` does, in both worlds."""
    for shop, order in (lives[status], BY_HAND_LIVES[status]()):
        law_of_the_answer(order, shop.clock.now)


def test_a_request_of_every_kind_is_tried() -> None:
    """No kind of request is left out of the table, of the tests, or of the decisions."""
    order = LIVES[OrderStatus.DELIVERED]()[1]
    kinds = {type(request) for request in requests(order)}
    assert {oc.Place, *REQUESTS} == kinds
    asked = {kind for kind in COMMANDS if issubclass(kind, Request)}
    assert asked == kinds
    told = {kind for kind in COMMANDS if issubclass(kind, Report)}
    assert told == {type(report) for report in reports(order, order.placed_at)}
    assert {*get_args(pc.PaymentReport), *get_args(fc.FulfilmentReport), rc.ReturnsReport} == told


@pytest.mark.parametrize("status", STATUSES)
def test_each_request_is_allowed_or_refused_with_a_reason(
    lives: Lives, status: OrderStatus
) -> None:
    """O-2: every pair of status and request ends in facts, or in a typed error with a sentence."""
    shop, order = lives[status]
    for request in requests(order)[1:]:
        closed = refusal(order, type(request))
        refused = refusal_of(order, request, shop)
        if closed is not None:
            assert (type(closed), str(closed)) == (type(refused), str(refused))
        if refused is not None:
            assert "{" not in str(refused), "the sentence is filled in"
            assert str(refused).endswith(".")


def refusal_of(order: Order, request: Request, shop: Shop) -> OrderCoreError | None:
    """Why a request is refused; what is not refused is folded."""
    try:
        events = decide(order, request, shop.clock.now)
    except (RefusedError, NotFoundError, InvalidValueError) as error:
        return error
    assert statuses(replay(events, order) if events else order).order in STATUSES
    return None


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_closed_is_refused_whatever_is_asked(lives: Lives, status: OrderStatus) -> None:
    """Each request that the table closes is refused, and names the command and the status."""
    shop, order = lives[status]
    for request in requests(order):
        if type(request) in CLOSED[status]:
            with pytest.raises(NotPossibleError) as caught:
                decide(order, request, shop.clock.now)
            assert {"command": type(request).__name__, "status": status} == caught.value.facts


@pytest.mark.parametrize("status", STATUSES)
def test_each_report_is_absorbed(lives: Lives, status: OrderStatus) -> None:
    """No report is ever refused, in whatever status it comes, once or twice."""
    shop, order = lives[status]
    for report in reports(order, shop.clock.now):
        now = order
        for _ in range(2):
            events = decide(now, report, shop.clock.now)
            now = replay(events, now) if events else now
        assert statuses(now).order in STATUSES


@pytest.mark.parametrize("status", STATUSES)
def test_reports_of_a_whole_life_are_absorbed_in_one_order(status: OrderStatus) -> None:
    """All reports one after the other, served by the service, leave an order that can be served."""
    shop, order = LIVES[status]()
    for report in reports(order, shop.clock.now):
        shop.do(order.id, report)
    assert statuses(shop.load(order.id)).order in STATUSES


def test_the_table_has_every_pair() -> None:
    """O-2: each status with each request stands in the printed table, once, with an answer."""
    every: tuple[type[Request], ...] = (oc.Place, *REQUESTS)
    kinds = {kind.__name__ for kind in every}
    asked = [(pair.status, pair.kind) for pair in pairs()]
    assert {(status, kind) for status in STATUSES for kind in kinds} == set(asked)
    assert len(set(asked)) == len(asked)
    for pair in pairs():
        assert pair.is_allowed or re.fullmatch(r"[^{}]+\.", pair.answer, re.DOTALL), pair


def test_every_request_passes_somewhere() -> None:
    """O-2: no request is refused in all statuses of both worlds."""
    passed = {pair.kind for pair in (*pairs(), *pairs(by_hand=True)) if pair.is_allowed}
    assert {kind.__name__ for kind in REQUESTS} == passed


def test_the_table_says_what_allowed_says() -> None:
    """O-2: what the printed table lets pass `allowed` lets pass, and what it closes is closed."""
    known = {(pair.status, pair.kind): pair for pair in pairs()}
    for status, life in LIVES.items():
        shop, order = life()
        for kind, why in allowed(order, shop.clock.now).items():
            pair = known[status, kind.__name__]
            if before(order, kind):
                continue
            assert (why is None) or not pair.is_allowed, pair
            assert isinstance(why, NotPossibleError) is (kind in CLOSED[status]), pair
    assert all(known[status, "AddNote"].is_allowed for status in STATUSES)


def test_the_table_has_every_report() -> None:
    """O-2: each report is absorbed, parked, or known already, in each status."""
    told = {kind.__name__ for kind in COMMANDS if issubclass(kind, Report)}
    assert {(status, kind) for status in STATUSES for kind in told} == set(report_pairs())
    answers = {answer for cell in report_pairs().values() for answer in cell}
    assert {"absorbed", "parked", "changes nothing"} == answers


def test_the_page_is_complete() -> None:
    """The printed page has one row for each request under each status, and no cell is empty."""
    page = "".join(tables())
    for status in STATUSES:
        section = page.partition(f"## While {status}\n")[2].partition("\n## ")[0]
        assert len(REQUESTS) + 1 == section.count("\n| ") - 2
    assert "|  |" not in page


def test_an_allowed_request_is_decided() -> None:
    """What the table lets pass in a confirmed order is decided by its room."""
    shop, order = LIVES[OrderStatus.CONFIRMED]()
    passed = {kind for kind, error in allowed(order, shop.clock.now).items() if error is None}
    assert {oc.Cancel, oc.CancelUnits, fc.PickUnits, oc.AddNote} <= passed
    assert oc.Confirm not in passed


def test_a_hold_refuses_what_it_blocks() -> None:
    """O-3: a hold that stops refunds and captures says so, by its kind."""
    shop, order = LIVES[OrderStatus.CONFIRMED]()
    hold = oc.PlaceHold(kind=HoldKind("fraud"), blocks=(Blocks.CAPTURE, Blocks.REFUND))
    order = shop.do(order.id, hold).order
    table = allowed(order, shop.clock.now)
    for kind in (pc.CaptureNow, oc.Refund, pc.RecordRefund):
        assert str(OnHoldError(kind.__name__, "fraud")) == str(table[kind])
    assert table[fc.PickUnits] is None
    with pytest.raises(OnHoldError):
        decide(order, pc.CaptureNow(), shop.clock.now)


def test_allowed_shows_what_a_hold_on_goods_blocks() -> None:
    """O-3: work and dispatch are among the answers, with the kind of the hold."""
    shop, order = LIVES[OrderStatus.CONFIRMED]()
    shop.pack(order.id, most=1)
    stopped = (
        (Blocks.FULFIL, (fc.ReleaseFulfilment, fc.PickUnits, fc.PackParcel)),
        (Blocks.SHIP, (fc.Dispatch, fc.DeliverDigital)),
    )
    for blocks, kinds in stopped:
        hold = oc.PlaceHold(kind=HoldKind("fraud"), blocks=(blocks,))
        order = shop.do(order.id, hold).order
        table = allowed(order, shop.clock.now)
        for kind in kinds:
            assert str(OnHoldError(kind.__name__, "fraud")) == str(table[kind])
        assert (table[fc.PickUnits] is None) is (blocks is Blocks.SHIP)


def test_allowed_shows_what_a_stage_keeps_from_leaving() -> None:
    """O-3: in a stage that is not shippable no parcel leaves, and packing goes on."""
    stage = Stage(name="engraving", inside="fulfilling", shippable=False)
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 2), terms=Terms(stages=StageRule(stages=(stage,))))
    shop.pack(order.id, most=1)
    before = allowed(shop.load(order.id), shop.clock.now)
    order = shop.do(order.id, oc.MoveToStage(stage="engraving")).order
    table = allowed(order, shop.clock.now)
    assert before[fc.Dispatch] is None
    assert "in the stage engraving" in str(table[fc.Dispatch])
    assert table[fc.PackParcel] is None


def test_a_stage_can_only_forbid() -> None:
    """A host's stage that is neither cancellable nor editable refuses both, and opens nothing."""
    stage = Stage(name="engraving", inside="confirmed", cancellable=False, editable=False)
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 1), terms=Terms(stages=StageRule(stages=(stage,))))
    before = allowed(order, shop.clock.now)
    order = shop.do(order.id, oc.MoveToStage(stage="engraving")).order
    table = allowed(order, shop.clock.now)
    closed = {kind for kind in table if "in the stage engraving" in str(table[kind])}
    assert {
        oc.Cancel,
        oc.CancelUnits,
        oc.ProposeAmendment,
        oc.ConfirmAmendment,
        oc.UndoAmendment,
        oc.ChangeDestination,
        oc.ChangeGroups,
        oc.SplitOrder,
    } == closed
    assert not [kind for kind in table if table[kind] is None and before[kind] is not None]


def test_a_foreign_command_breaks_the_contract() -> None:
    """What no room decides about is a bug of the caller, and says its name."""
    shop, order = LIVES[OrderStatus.CONFIRMED]()

    class Dance(Request):
        """No room knows it."""

    with pytest.raises(UnknownCommandError, match="Dance"):
        decide(order, Dance(), shop.clock.now)
    with pytest.raises(UnknownCommandError):
        decide(None, oc.Cancel(), shop.clock.now)
    assert issubclass(UnknownCommandError, OrderCoreError)
