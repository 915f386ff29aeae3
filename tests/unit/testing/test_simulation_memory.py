"""What a simulation remembers of the pure core."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ordercore.errors import RefusedError
from ordercore.order.model import Order
from ordercore.process import due as owing
from ordercore.process.due import Agenda
from ordercore.testing._simulation_memory import Memory
from ordercore.testing.scenario import small_order

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_question_about_the_same_order_is_asked_once() -> None:
    """Another instant is another question, and so is an order that is only equal."""
    asked: list[datetime] = []

    def version_at(order: Order, now: datetime) -> int:
        asked.append(now)
        return order.version

    memory, order, twin = Memory(), small_order(), small_order()
    assert [order.version] * 4 == [
        memory(version_at, order, NOW),
        memory(version_at, order, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        memory(version_at, order, NOW.replace(minute=1)),
        memory(version_at, twin, NOW),
    ]
    assert [NOW, NOW.replace(minute=1), NOW] == asked


def test_a_refusal_is_asked_anew() -> None:
    """What raised once is given another chance to raise."""
    memory, order = Memory(), small_order()
    tries: list[int] = []

    def refuse(_order: Order) -> None:
        tries.append(1)
        raise RefusedError

    for _ in range(2):
        with pytest.raises(RefusedError):
            memory(refuse, order)
    assert 2 == len(tries)


def test_a_rule_that_failed_fails_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agenda that could not be worked out is not taken for a short one later."""

    def broken(_at: object) -> object:
        raise RefusedError

    monkeypatch.setattr(owing, "RULES", (*owing.RULES, broken))
    agenda = Agenda(small_order(), NOW)
    for _ in range(2):
        with pytest.raises(RefusedError):
            tuple(agenda)
