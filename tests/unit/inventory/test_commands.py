from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.facts import Event, Report, Request
from ordercore.ids import LineId, StreamId
from ordercore.inventory import commands as cmd
from ordercore.inventory.commands import (
    MAX_LINES,
    AdjustedLine,
    AdjustStock,
    CountedLine,
    CountStock,
    ExpectStock,
    HoldStock,
    InvalidLinesError,
    MarkDamaged,
    PolicyLine,
    ReceivedLine,
    ReceiveStock,
    RepairStock,
    SetStockPolicy,
    StockLine,
    TransferLine,
    TransferStock,
    WriteOffStock,
)
from ordercore.inventory.decide import StockCommand, decide_stock
from ordercore.inventory.model import MoveKind, StockPlace, StockPolicy
from ordercore.inventory.moves import moves_of, policies_of
from ordercore.moment import NaiveDatetimeError
from ordercore.money import LimitExceededError
from tests.laws.stock_world import place, wanted

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CUP, POT = place(), place("pot")


def units(at: StockPlace = CUP, quantity: int = 2) -> StockLine:
    return StockLine(item=at.item, location=at.location, quantity=quantity)


def received(at: StockPlace = CUP, quantity: int = 2, expected: int = 0) -> ReceivedLine:
    return ReceivedLine(item=at.item, location=at.location, quantity=quantity, expected=expected)


def adjusted(at: StockPlace = CUP, quantity: int = -2) -> AdjustedLine:
    return AdjustedLine(item=at.item, location=at.location, quantity=quantity)


def counted(at: StockPlace = CUP, quantity: int = 7) -> CountedLine:
    return CountedLine(item=at.item, location=at.location, counted=quantity)


def carried(quantity: int = 2) -> TransferLine:
    target = place("cup", "wien").location
    return TransferLine(item=CUP.item, origin=CUP.location, target=target, quantity=quantity)


def policy() -> PolicyLine:
    return PolicyLine(item=CUP.item, location=CUP.location, policy=StockPolicy(safety_stock=1))


def facts(command: StockCommand) -> tuple[Event, ...]:
    return decide_stock(None, command, NOW)


@pytest.mark.parametrize(
    ("command", "moves"),
    [
        (ExpectStock(lines=(adjusted(quantity=3),)), [("cup", MoveKind.EXPECT, 3)]),
        (ExpectStock(lines=(adjusted(quantity=-3),)), [("cup", MoveKind.EXPECT, -3)]),
        (
            ReceiveStock(lines=(received(expected=1), received(POT))),
            [
                ("cup", MoveKind.RECEIVE, 2),
                ("pot", MoveKind.RECEIVE, 2),
                ("cup", MoveKind.EXPECT, -1),
            ],
        ),
        (CountStock(lines=(counted(),), reason="year's end"), [("cup", MoveKind.COUNT, 7)]),
        (AdjustStock(lines=(adjusted(),), reason="theft"), [("cup", MoveKind.ADJUST, -2)]),
        (MarkDamaged(lines=(units(),)), [("cup", MoveKind.DAMAGE, 2)]),
        (RepairStock(lines=(units(),)), [("cup", MoveKind.REPAIR, 2)]),
        (WriteOffStock(lines=(units(),), reason="mould"), [("cup", MoveKind.WRITE_OFF, 2)]),
        (
            WriteOffStock(lines=(units(),), reason="fire", sound=True),
            [("cup", MoveKind.DAMAGE, 2), ("cup", MoveKind.WRITE_OFF, 2)],
        ),
        (
            TransferStock(lines=(carried(),)),
            [("cup", MoveKind.TRANSFER_OUT, 2), ("cup", MoveKind.TRANSFER_IN, 2)],
        ),
    ],
)
def test_each_operation_becomes_its_moves(
    command: StockCommand, moves: list[tuple[str, MoveKind, int]]
) -> None:
    """One fact per request, and the fact knows its moves, always in the same order."""
    (event,) = facts(command)
    told = moves_of(event)
    assert moves == [(move.item, move.kind, move.quantity) for move in told]
    assert told == moves_of(event)
    assert all(move.owner is None for move in told)
    assert event.at == NOW


def test_a_transfer_leaves_one_location_and_reaches_another() -> None:
    """Out of the origin, into the target."""
    (event,) = facts(TransferStock(lines=(carried(),)))
    assert ["berlin", "wien"] == [move.location for move in moves_of(event)]


def test_a_policy_moves_nothing() -> None:
    """How a place may be promised is set, not moved."""
    (event,) = facts(SetStockPolicy(lines=(policy(),)))
    assert () == moves_of(event)
    assert ((CUP, StockPolicy(safety_stock=1)),) == policies_of(event)


def test_the_reason_goes_into_the_ledger() -> None:
    """A count and a correction say why (RULES I-12)."""
    for command in (
        CountStock(lines=(counted(),), reason="year's end"),
        AdjustStock(lines=(adjusted(),), reason="year's end"),
        WriteOffStock(lines=(units(),), reason="year's end"),
    ):
        (event,) = facts(command)
        assert {"year's end"} == {move.reason for move in moves_of(event)}


@pytest.mark.parametrize("reason", ["", "  ", None, 7])
def test_a_correction_needs_a_reason(reason: object) -> None:
    """Nobody changes the books without saying why."""
    said = cast("str", reason)
    with pytest.raises(InvalidValueError):
        CountStock(lines=(counted(),), reason=said)
    with pytest.raises(InvalidValueError):
        AdjustStock(lines=(adjusted(),), reason=said)
    with pytest.raises(InvalidValueError):
        WriteOffStock(lines=(units(),), reason=said)


MAKERS: list[tuple[Callable[[Any], Request], Any]] = [
    (lambda lines: SetStockPolicy(lines=lines), policy()),
    (lambda lines: ExpectStock(lines=lines), adjusted()),
    (lambda lines: ReceiveStock(lines=lines), received()),
    (lambda lines: CountStock(lines=lines, reason="x"), counted()),
    (lambda lines: AdjustStock(lines=lines, reason="x"), adjusted()),
    (lambda lines: MarkDamaged(lines=lines), units()),
    (lambda lines: RepairStock(lines=lines), units()),
    (lambda lines: WriteOffStock(lines=lines, reason="x"), units()),
    (lambda lines: TransferStock(lines=lines), carried()),
    (
        lambda lines: HoldStock(hold=StreamId("c"), lines=lines, until=NOW),
        wanted(1),
    ),
]


@pytest.mark.parametrize(("make", "line"), MAKERS)
def test_lines_are_some_and_each_once(make: Callable[[Any], Request], line: object) -> None:
    """No lines, foreign lines, a list, or one place twice (ABUSE 15 to 17)."""
    assert isinstance(make((line,)), Request)
    for wrong in ((), [line], (line, line), ("cup",), (wanted(1), counted()), None, 7):
        with pytest.raises(InvalidLinesError):
            make(wrong)


@pytest.mark.parametrize(("make", "line"), MAKERS)
def test_a_request_has_at_most_so_many_lines(make: Callable[[Any], Request], line: object) -> None:
    """100,000 lines are refused before anything is looked at (ABUSE 15)."""
    with pytest.raises(LimitExceededError) as caught:
        make((line,) * 100_000)
    assert MAX_LINES == caught.value.limit


def test_lines_that_change_nothing_are_refused() -> None:
    """A correction of zero and a transfer to where the goods are."""
    with pytest.raises(InvalidLinesError):
        adjusted(quantity=0)
    with pytest.raises(InvalidLinesError):
        TransferLine(item=CUP.item, origin=CUP.location, target=CUP.location, quantity=1)


@pytest.mark.parametrize("quantity", [0, -1, -(2**63), True, 1.5, "3", None])
def test_a_line_has_whole_units(quantity: object) -> None:
    """Of every kind of line (ABUSE 12, 13)."""
    wrong = cast("int", quantity)
    for make in (
        lambda: units(quantity=wrong),
        lambda: received(quantity=wrong),
        lambda: carried(quantity=wrong),
        lambda: wanted(wrong),
    ):
        with pytest.raises(OrderCoreError):
            make()


def test_a_deadline_has_a_time_zone() -> None:
    """A naive deadline is refused (ABUSE 27)."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - on purpose
    with pytest.raises(NaiveDatetimeError):
        HoldStock(hold=StreamId("c"), lines=(wanted(1),), until=naive)
    with pytest.raises(NaiveDatetimeError):
        cmd.RenewHold(until=naive)
    with pytest.raises(NaiveDatetimeError):
        cmd.ReportHoldExpiry(at=naive)


def test_requests_and_reports_are_told_apart() -> None:
    """Only the expiry is a report: it is never refused."""
    kinds = [getattr(cmd, name) for name in cmd.__all__]
    reports = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Report)]
    assert [cmd.ReportHoldExpiry] == reports
    assert issubclass(cmd.ReleaseHold, Request)
    assert (LineId("1"),) == cmd.ReleaseHold(lines=(LineId("1"),)).lines
    assert timedelta(0) == NOW - cmd.RenewHold(until=NOW).until
