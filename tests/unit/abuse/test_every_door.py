"""The property over the whole catalogue: every door, every bad value, only typed errors (X-4)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, cast

import attrs
import pytest

from ordercore.errors import OrderCoreError
from ordercore.facts import Report, Request
from ordercore.ids import Actor, ItemId, Key, LineId, StreamId
from ordercore.integrations import webhooks as wh
from ordercore.integrations.tenants import Tenant
from ordercore.inventory import commands as ic
from ordercore.inventory.model import StockPolicy, WantedLine
from ordercore.order.commands import AddNote
from ordercore.payment import store_value as sv
from ordercore.service.duty import Stop, work
from ordercore.service.engine import Settings
from ordercore.service.permissions import Grant, Permissions
from ordercore.service.sync import OrderService
from tests.laws.order_world import BUYER, CARD, NORTH, SOUTH, START, Shop, basket, eur, line
from tests.unit.integrations.test_webhooks import BODY, NOW, SECRET, headers_of
from tests.unit.service.test_abuse import dump
from tests.unit.service.test_bad_fields import BAD as VALUES
from tests.unit.service.test_bad_fields import life

BAD: Final[tuple[object, ...]] = (
    *VALUES,
    0,
    "",
    "a\0",
    timedelta(0),
    timedelta(-1),
    timedelta.max,
    NOW.replace(tzinfo=None),
)
Call = Callable[[Any], object]
KEY: Final = Key("k")
HELD: Final = Key("held")


def _placing(name: str, shop: Shop) -> Call:
    """A placement that would be served, were it not for one argument."""

    def place(bad: object) -> object:
        given: dict[str, Any] = {"key": "k", "by": BUYER, "tenders": (CARD,), name: bad}
        priced = given.pop("priced", basket(line("tea", 1)))
        return shop.service.place(priced, **given)

    return place


def _executing(name: str) -> Call:
    def execute(bad: object) -> object:
        shop, order = life()
        given: dict[str, Any] = {"expected_version": order.version + 7, name: bad}
        return shop.service.execute(order.id, AddNote(text="x"), **given)

    return execute


def _opening(name: str) -> Call:
    def opened(bad: object) -> object:
        shop, _ = life()
        given: dict[str, Any] = {"store": shop.store, "payments": shop.till, name: bad}
        return OrderService(**given)

    return opened


def _of(kind: Callable[..., object], field: str, **good: object) -> Call:
    return lambda bad: kind(**{**good, field: bad})


def _verifying(name: str) -> Call:
    def check(bad: object) -> object:
        given: dict[str, Any] = {
            "scheme": wh.SIGNATURES["stripe"],
            "headers": headers_of("stripe"),
            "body": BODY,
            "secrets": [SECRET],
            "now": NOW,
            name: bad,
        }
        return wh.verify(**given)

    return check


def _on_an_account(command: sv.StoreValueCommand, name: str, shop: Shop) -> Call:
    """A command that an account with value would serve, were it not for one field."""

    def execute(bad: object) -> object:
        loose: Any = command
        account = shop.service.credit
        return account.execute("somebody", attrs.evolve(loose, **{name: bad}))

    return execute


def _on_stock(good: Any, name: str, shop: Shop) -> Call:  # noqa: ANN401 - it is bad on purpose
    """A good command or line in which one field alone is bad."""

    def execute(bad: object) -> object:
        command: Any = attrs.evolve(good, **{name: bad})
        if not isinstance(good, Request | Report):
            whole = next(one for one in STOCK if type(command) in _lines_of(one))
            command = attrs.evolve(whole, lines=(command,))
        about = CART if isinstance(command, OF_A_HOLD) else None
        return shop.service.stock.execute(command, hold=about)

    return execute


def _lines_of(command: Any) -> set[type[object]]:  # noqa: ANN401 - of any kind
    return {type(line) for line in getattr(command, "lines", ())}


def _fields(one: object) -> list[attrs.Attribute[Any]]:
    return list(attrs.fields(cast("type[attrs.AttrsInstance]", type(one))))


def _renewed(make: Callable[[Shop], Call]) -> Call:
    """A door to a shop that is a new one after each value that it served."""
    shops = [_shelf()]

    def call(bad: object) -> object:
        answer = make(shops[-1])(bad)
        shops.append(_shelf())
        return answer

    return call


def _shelf() -> Shop:
    """A new shop in which a cart holds tea, and somebody has value of which some was taken."""
    shop = Shop()
    shop.receive("tea", 100)
    shop.service.stock.execute(ic.MarkDamaged(lines=(attrs.evolve(UNITS, quantity=9),)))
    shop.service.stock.execute(HOLDING)
    for first in (
        sv.IssueValue(key=Key("lot"), amount=eur(9)),
        sv.HoldValue(key=HELD, amount=eur(5)),
        sv.TakeValue(key=Key("taken"), hold=HELD, amount=eur(2)),
    ):
        shop.service.credit.execute("somebody", first)
    return shop


VALUE: Final = (
    sv.IssueValue(key=KEY, amount=eur(1)),
    sv.HoldValue(key=KEY, amount=eur(1)),
    sv.TakeValue(key=KEY, hold=HELD, amount=eur(1)),
    sv.ReleaseValue(key=KEY, hold=HELD),
    sv.ReturnValue(key=KEY, hold=HELD, amount=eur(1)),
    sv.ReportLapse(at=START),
)
TEA: Final = ItemId("tea")
CART: Final = StreamId("cart-1")
UNITS: Final = ic.StockLine(item=TEA, location=NORTH, quantity=1)
CHANGE: Final = ic.AdjustedLine(item=TEA, location=NORTH, quantity=1)
CARRIED: Final = ic.TransferLine(item=TEA, origin=NORTH, target=SOUTH, quantity=1)
COUNTED: Final = ic.CountedLine(item=TEA, location=NORTH, counted=99)
ARRIVED: Final = ic.ReceivedLine(item=TEA, location=NORTH, quantity=1)
KEPT: Final = ic.PolicyLine(item=TEA, location=NORTH, policy=StockPolicy())
SOON: Final = START + timedelta(days=1)
WISH: Final = WantedLine(line=LineId("tea"), item=TEA, quantity=1)
HOLDING: Final = ic.HoldStock(hold=CART, lines=(WISH,), until=SOON)
OF_A_HOLD: Final = (ic.RenewHold, ic.ReleaseHold, ic.TransferHold, ic.ReportHoldExpiry)
STOCK: Final[tuple[Any, ...]] = (
    ic.SetStockPolicy(lines=(KEPT,)),
    ic.ExpectStock(lines=(CHANGE,)),
    ic.ReceiveStock(lines=(ARRIVED,)),
    ic.CountStock(lines=(COUNTED,), reason="by hand"),
    ic.AdjustStock(lines=(CHANGE,), reason="found"),
    ic.MarkDamaged(lines=(UNITS,)),
    ic.RepairStock(lines=(UNITS,)),
    ic.WriteOffStock(lines=(UNITS,), reason="broken"),
    ic.TransferStock(lines=(CARRIED,)),
    HOLDING,
    ic.RenewHold(until=SOON),
    ic.ReportHoldExpiry(at=START),
    ic.ReleaseHold(lines=(LineId("none"),)),
    ic.TransferHold(to=StreamId("order-of-cart")),
    *(KEPT, CHANGE, ARRIVED, COUNTED, UNITS, CARRIED, WISH),
)
"""A good one of every kind of command and line about stock."""
WRITING: Final[dict[str, Callable[[Shop], Call]]] = {
    **{
        f"place({name})": partial(_placing, name)
        for name in inspect.signature(OrderService.place).parameters
        if name != "self"
    },
    **{
        f"{type(one).__name__}.{field.name}": partial(door, one, field.name)
        for door, ones in ((_on_an_account, VALUE), (_on_stock, STOCK))
        for one in ones
        for field in _fields(one)
    },
}
"""Doors through which something is written, each to a shop that is given."""
DOORS: Final[dict[str, Call]] = {
    **{name: _renewed(make) for name, make in WRITING.items()},
    **{
        f"execute({name})": _executing(name)
        for name in ("key", "by", "expected_version", "approved_by", "reason")
    },
    **{
        f"OrderService({name})": _opening(name)
        for name in inspect.signature(OrderService).parameters
    },
    "quote_refund": lambda bad: life()[0].service.quote_refund(life()[1].id, bad),
    "allowed": lambda bad: life()[0].service.allowed(life()[1].id, by=bad),
    "counters": lambda bad: life()[0].service.stock.counters(bad, bad),
    "failing": lambda bad: life()[0].store.failing(limit=bad),
    "pause": lambda bad: work(life()[0].service, stop=_stopped(), pause=bad),
    **{f"Settings({name})": _of(Settings, name) for name in ("lease", "conflicts", "rounds")},
    **{f"Grant({name})": _of(Grant, name, role="a", command="*") for name in ("role", "limit")},
    "Permissions": _of(Permissions, "grants"),
    "check": lambda bad: _table().check(bad, AddNote(text="x"), approved_by=Actor("a:b")),
    **{f"Tenant({name})": _of(Tenant, name, is_live=True) for name in ("account", "is_live")},
    "Tenant.check": lambda bad: Tenant(is_live=True).check(bad, is_live=True),
    "Tenant.check(is_live)": lambda bad: Tenant(is_live=True).check(None, is_live=bad),
    **{f"verify({name})": _verifying(name) for name in inspect.signature(wh.verify).parameters},
    "guard": lambda bad: wh.MemoryReplayGuard(most=bad).take("x", "y"),
    **{
        f"HeaderScheme({name})": _of(wh.HeaderScheme, name, name="x", header="X")
        for name in ("name", "header", "prefix")
    },
}


def _stopped() -> Stop:
    stop = Stop()
    stop.wish()
    return stop


def _table() -> Permissions:
    return Permissions(grants=(Grant(role="nobody", command="*"),))


def raw_errors(call: Call) -> list[tuple[object, Exception]]:
    """What a door raises for a bad value that is none of the library's errors."""
    found: list[tuple[object, Exception]] = []
    for bad in BAD:
        try:
            call(bad)
        except OrderCoreError as error:
            if len(str(error)) >= 1_000:
                found.append((bad, error))
        except Exception as error:  # noqa: BLE001 - it is what the test looks for
            found.append((bad, error))
    return found


@pytest.mark.parametrize("door", DOORS)
def test_no_door_lets_a_raw_error_out(door: str) -> None:
    """X-4: whatever comes in at a door, what comes out is typed and short."""
    assert [] == raw_errors(DOORS[door])


def served(call: Call, values: Iterable[object]) -> list[object]:
    """The values that a door serves."""
    found: list[object] = []
    for value in values:
        with suppress(OrderCoreError):
            call(value)
            found.append(value)
    return found


def test_nothing_of_it_is_kept() -> None:
    """X-4: a dump of the store is the same after all that is refused at doors that write."""
    shop = _shelf()
    before = dump(shop.store)
    for name, make in WRITING.items():
        door = _renewed(make)
        refused = [bad for bad in BAD if not served(door, [bad])]
        assert refused
        assert [] == served(make(shop), refused), name
        assert before == dump(shop.store), name


def test_a_good_value_is_served() -> None:
    """Each door to stock, accounts and orders is open to the good value of the field judged."""
    closed = [
        name
        for one in (*VALUE, *STOCK)
        for field in _fields(one)
        for name in (f"{type(one).__name__}.{field.name}",)
        if not served(_renewed(WRITING[name]), [getattr(one, field.name)])
    ]
    assert ["TransferHold.to"] == closed, "an order alone takes a hold over"
    good = {"key": "k2", "priced": basket(line("tea", 2)), "tenders": (CARD,), "by": BUYER}
    doors = {name: _renewed(WRITING[f"place({name})"]) for name in good}
    assert [] == [name for name, door in doors.items() if not served(door, [good[name]])]


def test_every_kind_of_stock_has_a_good_one() -> None:
    """What is in the catalogue of commands about stock is judged here."""
    kinds: list[Any] = [getattr(ic, name) for name in ic.__all__]
    own: set[object] = {
        kind for kind in kinds if attrs.has(kind) and not issubclass(kind, Exception)
    }
    assert own | {WantedLine} == {type(one) for one in STOCK}


def test_the_net_has_no_hole() -> None:
    """A door that lets a raw error out is found."""
    assert raw_errors(lambda bad: bad + 1)
