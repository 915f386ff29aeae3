"""What `allowed` says of a kind is true, about that kind, and speaks of nothing made up."""

from __future__ import annotations

import re

import pytest

from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.order.possible import allowed
from ordercore.order.status import OrderStatus
from ordercore.payment import commands as pc
from tests.laws.order_world import Shop, line
from tests.unit.order.lives import BY_HAND_LIVES, LIVES


@pytest.fixture(scope="module")
def one_unit() -> dict[type[Request], str]:
    """What is said of an order of one unit that a location was told of, and nobody works on."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    return {kind: str(why) for kind, why in allowed(order, shop.clock.now).items() if why}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (fc.AcceptCancel, "AcceptCancel is not possible while released: nobody asked for a cancel"),
        (fc.RefuseCancel, "RefuseCancel is not possible while released: nobody asked for a cancel"),
        (fc.SplitFulfilment, "there is no work of two units for it"),
        (fc.PutBackUnits, "there is no unit that is picked and not packed for it"),
        (pc.RecordRefund, "there is no money held of a tender for it"),
        (pc.ResolveOperation, "there is no open payment operation for it"),
        (
            fc.ReleaseFulfilment,
            "possible are HoldFulfilment, MoveFulfilment, PickUnits, PackParcel, RecordShortPick.",
        ),
    ],
)
def test_the_reason_is_the_true_one(
    one_unit: dict[type[Request], str], kind: type[Request], said: str
) -> None:
    """O-2: it says what is missing, and names what is possible, all of it and nothing else."""
    assert said in one_unit[kind]


def test_what_is_told_as_possible_is_possible() -> None:
    """O-2: no refusal names a request that `allowed` refuses as well."""
    for lives in (LIVES, BY_HAND_LIVES):
        for life in lives.values():
            shop, order = life()
            table = allowed(order, shop.clock.now)
            refused = {kind.__name__ for kind, why in table.items() if why}
            told = " ".join(str(why).partition("possible are")[2] for why in table.values())
            assert set() == refused.intersection(re.findall(r"[A-Z]\w+", told))


def test_no_reason_is_about_another_kind() -> None:
    """O-2: it was PackParcel that said that PickUnits is not possible."""
    shop, order = LIVES[OrderStatus.DELIVERED]()
    for kind, why in allowed(order, shop.clock.now).items():
        begun = re.match(r"([A-Z]\w+) is not possible", str(why))
        assert begun is None or kind.__name__ == begun[1]
