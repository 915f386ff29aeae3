from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Final

import attrs
import pytest

from ordercore.adapters.aio import ThreadedStore
from ordercore.errors import OrderCoreError
from ordercore.facts import Report, Request
from ordercore.ids import HoldKind, StreamId
from ordercore.inventory.commands import ReleaseHold
from ordercore.order import commands as oc
from ordercore.order.model import Order
from ordercore.order.status import OrderStatus
from ordercore.order.terms import Blocks
from ordercore.payment.cards import CardNumberError
from ordercore.service.aio import AsyncOrderService
from tests.contracts.life import AsyncTill
from tests.laws.order_world import Shop, line
from tests.unit.order.lives import LIVES, reports, requests

BAD: Final[tuple[object, ...]] = (
    None,
    7,
    -1,
    True,
    1.5,
    Decimal("sNaN"),
    10**5000,
    "x",
    "\ud800",
    b"x",
    list[object](),
    ["x"],
    dict[str, object](),
    (),
    (7,),
    ((7,),),
    ((list[object](), dict[str, object]()),),
    object(),
    int,
)
Command = Request | Report


@cache
def life() -> tuple[Shop, Order]:
    return LIVES[OrderStatus.DELIVERED]()


def _commands() -> dict[str, Command]:
    order = life()[1]
    found: list[Any] = [*requests(order), *reports(order, order.placed_at)]
    return {type(command).__name__: command for command in found}


NAMES: Final = sorted(_commands())


def _broken(command: Command) -> list[tuple[str, object, Callable[[], Command]]]:
    """The command with each of its fields in turn given each of the bad values."""

    def make(name: str, bad: object) -> Callable[[], Command]:
        loose: Any = command
        return lambda: attrs.evolve(loose, **{name: bad})

    return [
        (field.name, bad, make(field.name, bad))
        for field in attrs.fields(type(command))
        for bad in BAD
    ]


def _raw(make: Callable[[], Command], serve: Callable[[Command], object]) -> Exception | None:
    """What a call raises that is none of the library's errors."""
    try:
        serve(make())
    except OrderCoreError as error:
        str(error)
    except Exception as error:  # noqa: BLE001 - it is what the test looks for
        return error
    return None


@pytest.mark.parametrize("name", NAMES)
def test_no_bad_field_raises_a_raw_error(name: str) -> None:
    """X-4: preview and execute refuse every command with a bad field by a typed error."""
    shop, order = life()
    command = _commands()[name]

    def execute(bad: Command) -> object:
        return shop.service.execute(order.id, bad)

    def preview(bad: Command) -> object:
        return shop.service.preview(order.id, bad)

    found = [
        (field, bad, serve.__name__, error)
        for field, bad, make in _broken(command)
        for serve in (preview, execute)
        if (error := _raw(make, serve)) is not None
    ]
    assert [] == found


def test_the_async_preview_is_as_strict() -> None:
    """X-4: the async service refuses the same bad fields by the same typed errors."""
    shop, order = life()
    twin = AsyncOrderService(store=ThreadedStore(shop.store), payments=AsyncTill(shop.till))
    cases = [
        (name, *case)
        for name, command in _commands().items()
        for case in _broken(command)
        if case[1] is None or type(case[1]) in {int, tuple}
    ]

    async def served(make: Callable[[], Command]) -> Exception | None:
        try:
            await twin.preview(order.id, make())
        except OrderCoreError:
            return None
        except Exception as error:  # noqa: BLE001 - it is what the test looks for
            return error
        return None

    async def all_of_them() -> list[object]:
        return [
            (name, field, bad, error)
            for name, field, bad, make in cases
            if (error := await served(make)) is not None
        ]

    assert [] == asyncio.run(all_of_them())


BAD_IDS: Final[tuple[object, ...]] = (
    None,
    7,
    [1],
    {},
    "",
    "\ud800",
    "x" * 10_000,
    b"o",
    Decimal(1),
)


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda bad: repr(bad)[:12])
def test_an_id_that_is_none_is_refused_at_every_door(
    bad: Any,  # noqa: ANN401 - it is bad on purpose
) -> None:
    """X-4: what is no id raises a typed error wherever an order, hold, item or account is named."""
    shop, order = life()
    service = shop.service
    nothing: Any = bad or [1]
    doors: dict[str, Callable[[], object]] = {
        "load": lambda: service.load(bad),
        "advance": lambda: service.advance(bad),
        "due": lambda: service.due(bad),
        "history": lambda: list(service.history(bad)),
        "preview": lambda: service.preview(bad, oc.Cancel()),
        "execute": lambda: service.execute(bad, oc.Cancel()),
        "find": lambda: service.find("erp", bad),
        "find in": lambda: service.find(bad, "1"),
        "by": lambda: service.execute(order.id, oc.AddNote(text="x"), by=bad),
        "stock": lambda: service.stock.execute(bad),
        "stock of": lambda: service.stock.execute(ReleaseHold(), hold=nothing),
        "stock by": lambda: service.stock.execute(ReleaseHold(), hold=StreamId("h"), by=bad),
        "credit of": lambda: service.credit.account(bad),
        "credit": lambda: service.credit.execute("a", bad),
    }
    for door, call in doors.items():
        with pytest.raises(OrderCoreError) as caught:
            call()
        assert len(str(caught.value)) < 1000, door


@pytest.mark.parametrize("bad", ["3", -1, True, 1.5, []], ids=repr)
def test_a_version_is_a_whole_number(bad: Any) -> None:  # noqa: ANN401 - it is bad on purpose
    """X-4: an expected version that is none is refused by a typed error."""
    shop, order = life()
    with pytest.raises(OrderCoreError):
        shop.service.execute(order.id, oc.AddNote(text="x"), expected_version=bad)


def test_reasons_and_tags_keep_no_card_number() -> None:
    """PAY-8: a number in a reason is masked, in a tag refused; a megabyte is refused."""
    shop = Shop()
    shop.receive("tea", 2)
    order = shop.place(line("tea", 2)).id
    pan = "4111.1111.1111.1111"
    hold = oc.PlaceHold(kind=HoldKind("check"), blocks=(Blocks.SHIP,), reason=pan)
    shop.service.execute(order, hold, reason=f"says {pan}")
    shop.service.execute(order, oc.Cancel(reason=pan))
    kept = str([(one.reason, one.events) for one in shop.service.history(order)])
    assert "1111" not in kept
    assert "says [card number removed]" in kept
    with pytest.raises(CardNumberError):
        shop.service.execute(order, oc.ChangeTags(add=(pan,)))
    for bad in ("x" * 1_000_000, None, 7):
        reason: Any = bad
        with pytest.raises(OrderCoreError):
            shop.service.execute(order, oc.AddNote(text="x"), reason=reason)
