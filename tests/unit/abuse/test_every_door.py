"""The property over the whole catalogue: every door, every bad value, only typed errors (X-4)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest

from ordercore.errors import OrderCoreError
from ordercore.ids import Actor, Key
from ordercore.integrations import webhooks as wh
from ordercore.integrations.tenants import Tenant
from ordercore.inventory import commands as ic
from ordercore.order.commands import AddNote
from ordercore.payment import store_value as sv
from ordercore.service.duty import Stop, work
from ordercore.service.engine import Settings
from ordercore.service.permissions import Grant, Permissions
from ordercore.service.sync import OrderService
from tests.laws.order_world import BUYER, CARD, basket, eur, line
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


def _placing(name: str) -> Call:
    def place(bad: object) -> object:
        given: dict[str, Any] = {"key": "k", "by": BUYER, "tenders": (CARD,), name: bad}
        priced = given.pop("priced", basket(line("tea", 10**9)))
        return life()[0].service.place(priced, **given)

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


def _on_an_account(command: sv.StoreValueCommand, name: str) -> Call:
    def execute(bad: object) -> object:
        loose: Any = command
        account = "somebody" if isinstance(command, sv.IssueValue) else "nobody"
        return life()[0].service.credit.execute(account, attrs.evolve(loose, **{name: bad}))

    return execute


def _on_stock(kind: Any, name: str) -> Call:  # noqa: ANN401 - it is bad on purpose
    def execute(bad: object) -> object:
        needed = (field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING)
        return life()[0].service.stock.execute(kind(**{**dict.fromkeys(needed), name: bad}))

    return execute


def _stock_commands() -> list[tuple[Any, str]]:
    kinds: list[Any] = [getattr(ic, name) for name in ic.__all__]
    own = [kind for kind in kinds if inspect.isclass(kind) and attrs.has(kind)]
    return [(kind, field.name) for kind in own for field in attrs.fields(kind)]


VALUE: Final = (
    sv.IssueValue(key=KEY, amount=eur(1)),
    sv.HoldValue(key=KEY, amount=eur(1)),
    sv.TakeValue(key=KEY, hold=KEY, amount=eur(1)),
    sv.ReleaseValue(key=KEY, hold=KEY),
    sv.ReturnValue(key=KEY, hold=KEY, amount=eur(1)),
    sv.ReportLapse(at=NOW),
)
DOORS: Final[dict[str, Call]] = {
    **{
        f"place({name})": _placing(name)
        for name in inspect.signature(OrderService.place).parameters
        if name != "self"
    },
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
    **{
        f"{type(one).__name__}.{field.name}": _on_an_account(one, field.name)
        for one in VALUE
        for field in attrs.fields(type(one))
    },
    **{f"{kind.__name__}.{name}": _on_stock(kind, name) for kind, name in _stock_commands()},
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


def test_nothing_of_it_is_kept() -> None:
    """X-4: a dump of the store is the same after every bad value at every door of a service."""
    before = dump(life()[0].store)
    for name in ("key", "priced", "tenders", "terms", "groups", "parties"):
        raw_errors(_placing(name))
    for command, field in ((one, "key") for one in VALUE[1:-1]):
        raw_errors(_on_an_account(command, field))
    assert before == dump(life()[0].store)


def test_the_net_has_no_hole() -> None:
    """A door that lets a raw error out is found."""
    assert raw_errors(lambda bad: bad + 1)
