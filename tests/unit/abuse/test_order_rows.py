"""ABUSE 20 to 24 at the real service, over each store, with the sandbox gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from threading import Barrier
from typing import Final

import pytest
from attrs import evolve

from ordercore.codec.converter import from_plain, to_plain
from ordercore.errors import ConflictError, OrderCoreError
from ordercore.facts import Report, Request
from ordercore.fulfilment.commands import Dispatch
from ordercore.ids import Actor, LineId, OrderId, TenderId
from ordercore.money import EUR, USD, CurrencyMismatchError, Money
from ordercore.order import commands as oc
from ordercore.order.guards import NotPossibleError
from ordercore.order.refusals import NothingToCancelError
from ordercore.order.terms import Stage, StageRule, Terms
from ordercore.payment.model import Tender, TenderKind
from ordercore.ports.unit_of_work import AlreadyClaimedError
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import PricedOrder, UnitPrice
from ordercore.pricing.totals import price
from ordercore.pricing.values import PriceChangedError, PriceOverride, QuotationExpiredError
from tests.laws.order_world import BUYER, CARD, basket, eur, line
from tests.unit.abuse.desk import Desk, desks, refused
from tests.unit.order.lives import reports, requests

TEA: Final = LineId("tea")
IDLE: Final = Terms(release_automatically=False)
FROZEN: Final = Terms(
    release_automatically=False,
    stages=StageRule(stages=(Stage(name="frozen", inside="confirmed", editable=False),)),
)


@pytest.fixture(params=["memory", "sqlite"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk over each store, with one order that has used a coupon."""
    for made in desks(request.param, tmp_path):
        made.place(coupons=("SPRING",))
        yield made


def claimed(minor: int) -> PricedOrder:
    """A price that the customer's side sent along."""
    return basket(evolve(line("tea", 1), claimed_price=UnitPrice(eur(minor))))


def offered(desk: Desk) -> PricedOrder:
    """A quotation whose day is over."""
    until = desk.clock.now + timedelta(seconds=1)
    offer = price(Draft(currency=EUR, lines=(line("tea", 1),), valid_until=until))
    desk.clock.forward(timedelta(seconds=2))
    return offer


def in_dollars() -> PricedOrder:
    """A quotation in another currency."""
    dollars = evolve(line("cup", 1), unit_price=UnitPrice(Money(100, USD)))
    return price(Draft(currency=USD, lines=(dollars,)))


def foreign_tender() -> Tender:
    """Dollars for euros."""
    return Tender(id=TenderId("cash"), kind=TenderKind.CASH, amount=Money(100, USD))


def cancelled(desk: Desk) -> str:
    """An order of which a unit was cancelled."""
    desk.place("o-3", terms=IDLE)
    desk.do(oc.CancelUnits(units=((TEA, 2),)), "o-3")
    return "o-3"


def sent(desk: Desk) -> str:
    """An order whose units have left."""
    desk.place("o-3")
    parcel = desk.shop.pack(OrderId("o-3"))
    assert parcel is not None
    desk.do(Dispatch(parcel=parcel), "o-3")
    return "o-3"


def frozen(desk: Desk) -> str:
    """An order in a stage of the host's in which nothing is edited."""
    desk.place("o-3", terms=FROZEN)
    desk.do(oc.MoveToStage(stage="frozen"), "o-3")
    return "o-3"


Row = tuple[Callable[[Desk], Callable[[], object]], type[OrderCoreError]]


def placing(**given: object) -> Callable[[Desk], Callable[[], object]]:
    """Another placement with something wrong in it."""
    return lambda desk: partial(desk.place, "o-2", **given)


def asking(
    before: Callable[[Desk], str], command: Request
) -> Callable[[Desk], Callable[[], object]]:
    """A request to an order with a past."""
    return lambda desk: partial(desk.do, command, before(desk))


def amending(addition: Callable[[Desk], PricedOrder]) -> Callable[[Desk], Callable[[], object]]:
    """An amendment that adds something wrong."""

    def ready(desk: Desk) -> Callable[[], object]:
        return partial(desk.do, oc.ProposeAmendment(proposal="p", addition=addition(desk)))

    return ready


def with_offer(desk: Desk) -> Callable[[], object]:
    """A placement of a quotation whose day is over."""
    return partial(desk.place, "o-2", priced=offered(desk))


REMOVAL: Final = oc.ProposeAmendment(proposal="p", removals=((TEA, 1),))
ADDITION: Final = oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1)))
ONE: Final = oc.CancelUnits(units=((TEA, 1),))
SPLIT: Final = oc.SplitOrder(order=OrderId("part"), units=((TEA, 1),))
REFUSED: Final[dict[str, Row]] = {
    "20-lower-price": (lambda _: partial(claimed, 1), PriceChangedError),
    "20-higher-price": (lambda _: partial(claimed, 1001), PriceChangedError),
    "21-expired": (with_offer, QuotationExpiredError),
    "21-expired-amendment": (amending(offered), QuotationExpiredError),
    "21-foreign-amendment": (amending(lambda _: in_dollars()), CurrencyMismatchError),
    "21-foreign-tender": (placing(tenders=(foreign_tender(), CARD)), CurrencyMismatchError),
    "22-second-order": (placing(coupons=("SPRING",)), AlreadyClaimedError),
    "22-twice-at-once": (placing(coupons=("ONCE", "ONCE")), AlreadyClaimedError),
    "22-among-others": (placing(coupons=("NEW", "SPRING")), AlreadyClaimedError),
    "23-dispatched-removal": (asking(sent, REMOVAL), NothingToCancelError),
    "23-dispatched-cancel": (asking(sent, ONE), NotPossibleError),
    "23-dispatched-split": (asking(sent, SPLIT), OrderCoreError),
    "23-cancelled-removal": (asking(cancelled, REMOVAL), OrderCoreError),
    "23-cancelled-cancel": (asking(cancelled, ONE), NotPossibleError),
    "23-past-the-limit-addition": (asking(frozen, ADDITION), NotPossibleError),
    "23-past-the-limit-removal": (asking(frozen, REMOVAL), NotPossibleError),
}


@pytest.mark.parametrize("row", REFUSED)
def test_row_is_refused(desk: Desk, row: str) -> None:
    """ABUSE 20 to 23: a typed error, cheap, nothing written, nobody called, no secret."""
    ready, kind = REFUSED[row]
    call = ready(desk)
    called = desk.gateway.ledger()
    found = refused(kind, call, store=desk.store)
    assert str(found).endswith(".")
    assert called == desk.gateway.ledger()


@pytest.mark.parametrize("row", ["20-override"])
def test_another_price_has_a_name_and_a_reason(desk: Desk, row: str) -> None:
    """ABUSE 20, P-9: another price is kept with who gave it and why, or it is none."""
    del row
    given = PriceOverride(price=UnitPrice(eur(1)), actor=Actor("staff:ann"), reason="scratched")
    order = desk.place("o-2", priced=basket(evolve(line("tea", 1), override=given)))
    assert eur(1) == order.priced.total
    for reason in ("", " "):
        refused(OrderCoreError, lambda: evolve(given, reason=reason), store=desk.store)  # noqa: B023


@pytest.mark.parametrize("row", ["22-concurrently"])
def test_row_is_given_to_one(desk: Desk, row: str) -> None:
    """ABUSE 22: of many orders with one coupon at the same moment, one has it."""
    del row
    barrier = Barrier(4)

    def place(number: int) -> str:
        service = desk.another(f"buyer-{number}")
        barrier.wait()
        try:
            service.place(
                basket(line("tea", 1)),
                key=f"race-{number}",
                by=BUYER,
                order=OrderId(f"race-{number}"),
                tenders=(CARD,),
                coupons=("RACE",),
            )
        except (AlreadyClaimedError, ConflictError) as error:
            return type(error).__name__
        return "placed"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(place, range(4)))
    assert ["AlreadyClaimedError"] * 3 + ["placed"] == answers
    assert desk.store.find_claim("coupon", "RACE") is not None
    assert 2 == len(desk.store.streams(limit=20)), "the others left nothing"


# --- 24: what a command does not have -------------------------------------------------------------

FIELDS: Final = ("status", "total", "paid", "version", "id", "customer_id", "is_admin", "held")


@cache
def _commands() -> dict[str, Request | Report]:
    """A command of every kind."""
    for made in desks("memory", Path()):
        order = made.place()
        every: tuple[Request | Report, ...] = (
            *requests(order),
            *reports(order, made.clock.now),
        )
        return {type(command).__name__: command for command in every}
    return {}


@pytest.mark.parametrize("kind", sorted(_commands()))
def test_row_24_nothing_else_can_be_assigned(kind: str) -> None:
    """ABUSE 24: a field that a command does not have is refused by name, for every command."""
    command = _commands()[kind]
    plain = to_plain(command)
    assert isinstance(plain, dict)
    own = {name.lstrip("_") for name in plain}
    for name in (field for field in FIELDS if field not in own):
        found = refused(OrderCoreError, partial(from_plain, plain | {name: True}, type(command)))
        assert name in str(found)
