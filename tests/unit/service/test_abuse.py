from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any, Final, cast

import pytest
from attrs import evolve

from ordercore.codec.converter import from_plain, to_plain
from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.ids import (
    Actor,
    CreditId,
    HoldKind,
    ItemId,
    LineId,
    OrderId,
    ParcelId,
    ReturnId,
    TenderId,
)
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR, USD, Money
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.decide import decide
from ordercore.order.possible import allowed
from ordercore.order.status import statuses
from ordercore.order.terms import Blocks, Terms
from ordercore.payment import commands as pc
from ordercore.payment.cards import CardNumberError
from ordercore.payment.model import Tender, TenderKind
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.store_value import ReportLapse
from ordercore.ports.repositories import Store, UnknownOrderError
from ordercore.ports.unit_of_work import (
    AlreadyClaimedError,
    KeyReusedError,
    StreamKind,
    VersionConflictError,
)
from ordercore.pricing.discounts import PercentOff
from ordercore.pricing.draft import Draft
from ordercore.pricing.explain import explain
from ordercore.pricing.model import Tax
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.model import CreditCause, PriceReduction, RefundRequest
from ordercore.refund.policy import PercentFee
from ordercore.returns import commands as rc
from ordercore.returns.model import ReturnUnits
from ordercore.service.sync import OrderService
from tests.laws.order_world import ACCOUNT, BUYER, CARD, NORTH, Shop, Till, basket, eur, gift, line

PAN: Final = "4111 1111 1111 1111"
ORDER: Final = OrderId("o-1")
FAST: Final = 0.05


def dump(store: Store) -> tuple[object, ...]:
    """All that a store knows."""
    streams = [stream for kind in StreamKind for stream in store.streams(kind=kind, limit=1000)]
    return (
        [store.load(stream) for stream in streams],
        [tuple(store.history(stream)) for stream in streams],
        list(store.all_counters()),
        list(store.ledger()),
        store.unpublished(limit=1000),
    )


def loose(call: Callable[..., object], *given: Any, **values: Any) -> object:  # noqa: ANN401 - it is bad on purpose
    """Call without types, as hostile code would."""
    return call(*given, **values)


@pytest.fixture
def shop() -> Shop:
    """A shop with one order of two units of tea, confirmed."""
    made = Shop()
    made.receive("tea", 10)
    made.service.place(
        basket(line("tea", 2)),
        key="first",
        by=BUYER,
        order=ORDER,
        tenders=(CARD,),
        coupons=("SPRING",),
        references=(("shopify", "1001"),),
    )
    made.orders.append(ORDER)
    return made


def refused(shop: Shop, call: Callable[[], object]) -> OrderCoreError:
    """A call is refused in time, by a typed error, and leaves no trace."""
    before = dump(shop.store)
    start = time.perf_counter()
    with pytest.raises(OrderCoreError) as caught:
        call()
    best = time.perf_counter() - start
    for _ in range(4):
        if best < FAST:
            break
        start = time.perf_counter()
        with pytest.raises(OrderCoreError):
            call()
        best = min(best, time.perf_counter() - start)
    assert best < FAST, "hostile input is cheap"
    assert before == dump(shop.store), "nothing was written"
    return caught.value


def place(shop: Shop, **values: Any) -> Callable[[], object]:  # noqa: ANN401 - it is bad on purpose
    """A placement with something bad in it."""
    given: dict[str, Any] = {
        "priced": basket(line("tea", 1)),
        "key": "k",
        "by": BUYER,
        "tenders": (CARD,),
        **values,
    }
    priced = given.pop("priced")
    return lambda: loose(shop.service.place, priced, **given)


BAD_PLACEMENTS: Final[list[tuple[str, dict[str, object]]]] = [
    ("a key of nothing", {"key": ""}),
    ("a key with a NUL", {"key": "a\0b"}),
    ("a key of 10 kB", {"key": "k" * 10_000}),
    ("a key that is a number", {"key": 7}),
    ("an actor of nothing", {"by": Actor("")}),
    ("an order id that walks", {"order": OrderId("a\n../b")}),
    ("an order that exists", {"order": ORDER}),
    ("a coupon a second time", {"coupons": ("SPRING",)}),
    ("a coupon twice at once", {"coupons": ("AUTUMN", "AUTUMN")}),
    ("a coupon of nothing", {"coupons": ("",)}),
    ("an external id a second time", {"references": (("shopify", "1001"),)}),
    ("an external id with RTL", {"references": (("shopify", "10\u202e01"),)}),
    ("two tenders that want the rest", {"tenders": (CARD, ACCOUNT)}),
    ("two tenders of one name", {"tenders": (CARD, CARD)}),
    ("tenders that pay too much", {"tenders": (gift(100_000), CARD)}),
    (
        "a tender in dollars",
        {"tenders": (Tender(id=TenderId("g"), kind=TenderKind.CASH, amount=Money(1, USD)),)},
    ),
    ("more than there is", {"priced": basket(line("tea", 11))}),
    ("an item that nobody has", {"priced": basket(line("unicorn", 1))}),
    (
        "terms that outlive the keys",
        {"terms": Terms(payment=PaymentPolicy(send_window=timedelta(days=2)))},
    ),
    ("a basket that is none", {"priced": "everything"}),
    ("tenders that are a list", {"tenders": [CARD]}),
    ("tenders that are words", {"tenders": ("cash",)}),
    ("a channel that is a number", {"channel": 1}),
    ("terms that are none", {"terms": "net 30"}),
]


@pytest.mark.parametrize(
    "values",
    [bad[1] for bad in BAD_PLACEMENTS],
    ids=[bad[0].replace(" ", "-") for bad in BAD_PLACEMENTS],
)
def test_a_bad_placement_leaves_no_trace(shop: Shop, values: dict[str, object]) -> None:
    """Each bad placement is refused by a typed error; the store is as it was (ABUSE 15 to 24)."""
    refused(shop, place(shop, **values))


def test_an_expired_quotation_is_refused(shop: Shop) -> None:
    """A priced order is a quotation: after its time it cannot be placed (ABUSE 21)."""
    until = shop.clock.now + timedelta(days=1)
    offer = price(Draft(currency=EUR, lines=(line("tea", 1),), valid_until=until))
    shop.clock.forward(timedelta(days=2))
    assert "quotation-expired" == refused(shop, place(shop, priced=offer)).code


def test_a_line_cannot_be_named_twice() -> None:
    """Duplicate line ids are refused before anything can be placed (ABUSE 17)."""
    with pytest.raises(InvalidValueError):
        basket(line("tea", 1), line("tea", 2))


@pytest.mark.parametrize(
    "field", ["status", "total", "paid", "version", "id", "is_admin", "held", "confirmed_at"]
)
def test_nothing_else_can_be_assigned(shop: Shop, field: str) -> None:
    """Mass assignment: a field that a command does not have is refused (ABUSE 24)."""
    for command in (oc.Cancel(), oc.AddNote(text="x"), pc.CaptureNow()):
        kind = type(command)
        with pytest.raises(TypeError):
            loose(kind, **{field: True})
        plain = to_plain(command)
        assert isinstance(plain, dict)
        more = plain | {field: True}
        found = refused(shop, partial(from_plain, more, kind))
        assert field in str(found)


TEA: Final = LineId("tea")
NAIVE: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - it is bad on purpose


def held(blocks: Any) -> oc.PlaceHold:  # noqa: ANN401 - it is bad on purpose
    """A hold that stops what it is given."""
    return oc.PlaceHold(kind=HoldKind("fraud"), blocks=blocks)


BAD_REQUESTS: Final[list[tuple[str, Callable[[], object]]]] = [
    ("an unknown line", lambda: oc.CancelUnits(units=((LineId("gold"), 1),))),
    ("no unit", lambda: oc.CancelUnits(units=((TEA, 0),))),
    ("a unit below zero", lambda: oc.CancelUnits(units=((TEA, -1),))),
    ("true units", lambda: oc.CancelUnits(units=((TEA, True),))),
    ("half a unit", lambda: loose(oc.CancelUnits, units=((TEA, 1.5),))),
    ("units in words", lambda: loose(oc.CancelUnits, units=((TEA, "1"),))),
    ("units that are no pairs", lambda: loose(oc.CancelUnits, units=(7,))),
    ("units that are a number", lambda: loose(oc.CancelUnits, units=7)),
    ("a line that is a list", lambda: loose(oc.CancelUnits, units=(([], 1),))),
    ("more than is open", lambda: oc.CancelUnits(units=((TEA, 3),))),
    ("units without end", lambda: oc.CancelUnits(units=((TEA, 2**63),))),
    ("a line twice", lambda: oc.CancelUnits(units=((TEA, 1), (TEA, 1)))),
    ("no lines", lambda: oc.CancelUnits(units=())),
    ("a hold on nothing", lambda: held(())),
    ("a hold on a word", lambda: held(Blocks.SHIP)),
    ("a hold on words", lambda: loose(oc.PlaceHold, kind="fraud", blocks=("everything",))),
    ("a hold of no kind", lambda: oc.PlaceHold(kind=HoldKind(""), blocks=(Blocks.SHIP,))),
    (
        "a hold until a naive time",
        lambda: oc.PlaceHold(kind=HoldKind("x"), blocks=(Blocks.SHIP,), release_at=NAIVE),
    ),
    (
        "a report at a naive time",
        lambda: pc.ReportCollected(
            tender=TenderId("card"), amount=eur(1), reference=pc.BY_HAND, at=NAIVE
        ),
    ),
    ("a hold that is not there", lambda: oc.ReleaseHold(kind=HoldKind("none"))),
    ("a stage that is not there", lambda: oc.MoveToStage(stage="gold")),
    ("terms that are none", lambda: loose(oc.AmendTerms, terms="net 30")),
    ("a proposal of nothing", lambda: oc.ProposeAmendment(proposal="p")),
    (
        "a line that is there",
        lambda: oc.ProposeAmendment(proposal="p", addition=basket(line("tea", 1))),
    ),
    (
        "an addition that is none",
        lambda: loose(oc.ProposeAmendment, proposal="p", addition={"total": 0}),
    ),
    (
        "a removal of too much",
        lambda: oc.ProposeAmendment(proposal="p", removals=((TEA, 3),)),
    ),
    (
        "a removal of a line twice",
        lambda: oc.ProposeAmendment(proposal="p", removals=((TEA, 1), (TEA, 1))),
    ),
    ("a proposal that is not there", lambda: oc.ConfirmAmendment(proposal="p")),
    ("an empty note", lambda: oc.AddNote(text="")),
    ("a note of a megabyte", lambda: oc.AddNote(text="x" * 1_000_000)),
    ("a note of bytes", lambda: loose(oc.AddNote, text=b"hello")),
    ("a tag of nothing", lambda: oc.ChangeTags(add=("",))),
    ("a tag that is a number", lambda: loose(oc.ChangeTags, add=(7,))),
    ("a reference of nothing", lambda: oc.AddReference(system="", value="1")),
    ("completing too early", oc.Complete),
    ("confirming again", oc.Confirm),
    ("a refund without a quote", lambda: loose(oc.Refund, quote=None)),
    ("capturing nothing", lambda: pc.CaptureNow(amount=eur(0))),
    ("capturing below zero", lambda: pc.CaptureNow(amount=eur(-1))),
    ("capturing too much", lambda: pc.CaptureNow(amount=eur(5000))),
    ("capturing dollars", lambda: pc.CaptureNow(amount=Money(1, USD))),
    ("a card number", lambda: pc.RetryPayment(tender=TenderId("card"), instrument=PAN)),
    ("a refund that nobody paid", lambda: paid_back(eur(1))),
    ("sending what is not packed", lambda: fc.Dispatch(parcel=ParcelId("p"))),
    (
        "returning what was not sent",
        lambda: rc.ReceiveReturn(
            return_id=ReturnId("r"), items=(ReturnUnits(line=TEA, quantity=1),), location=NORTH
        ),
    ),
    ("a command that is none", lambda: "cancel it"),
]


def paid_back(amount: Money) -> Request:
    """Money that went back by hand."""
    return pc.RecordRefund(tender=TenderId("card"), amount=amount, reference=pc.BY_HAND)


@pytest.mark.parametrize(
    "make",
    [bad[1] for bad in BAD_REQUESTS],
    ids=[bad[0].replace(" ", "-") for bad in BAD_REQUESTS],
)
def test_a_bad_request_leaves_no_trace(shop: Shop, make: Callable[[], object]) -> None:
    """Each bad request is refused by a typed error; the store is as it was (ABUSE 12 to 49)."""
    refused(shop, lambda: loose(shop.service.execute, ORDER, make(), by=BUYER))


def test_an_unknown_order_is_not_found(shop: Shop) -> None:
    """Nothing is made for an id that nobody knows."""
    error = refused(shop, lambda: shop.service.execute(OrderId("o-404"), oc.Cancel(), by=BUYER))
    assert isinstance(error, UnknownOrderError)
    refused(shop, lambda: shop.service.load(OrderId("o-404")))
    refused(shop, lambda: shop.service.advance(OrderId("'; DROP TABLE orders")))


def test_a_stale_version_is_a_conflict(shop: Shop) -> None:
    """Who decides from an old view is told to look again; a report does not make a view old."""
    before = shop.load(ORDER).version
    seen_by_all = shop.do(ORDER, oc.AddNote(text="one")).order.version

    def call(seen: int) -> object:
        two = oc.AddNote(text="two")
        return shop.service.execute(ORDER, two, by=BUYER, expected_version=seen)

    for seen in (0, before, seen_by_all + 1):
        assert isinstance(refused(shop, lambda: call(seen)), VersionConflictError)  # noqa: B023
    paid = pc.ReportCollected(
        tender=TenderId("card"), amount=eur(1), reference=pc.BY_HAND, at=shop.clock()
    )
    shop.do(ORDER, paid)
    assert shop.load(ORDER).version > seen_by_all
    call(seen_by_all)
    assert ("one", "two") == shop.load(ORDER).notes


def test_a_key_with_another_body_is_refused(shop: Shop) -> None:
    """The same key stands for one command for ever (ABUSE 26, 32)."""
    shop.service.execute(ORDER, oc.AddNote(text="one"), key="k", by=BUYER)
    again = lambda: shop.service.execute(ORDER, oc.AddNote(text="two"), key="k", by=BUYER)  # noqa: E731
    assert isinstance(refused(shop, again), KeyReusedError)
    other = place(shop, key="first")
    assert isinstance(refused(shop, other), KeyReusedError)


def test_a_key_with_the_same_body_answers_as_it_did(shop: Shop) -> None:
    """A repeated command adds nothing and gives the facts of the first time."""
    first = shop.service.execute(ORDER, oc.AddNote(text="one"), key="k", by=BUYER)
    shop.do(ORDER, oc.AddNote(text="later"))
    before = dump(shop.store)
    again = shop.service.execute(
        ORDER, oc.AddNote(text="one"), key="k", by=BUYER, expected_version=1
    )
    assert before == dump(shop.store)
    assert (first.events, first.recorded_at) == (again.events, again.recorded_at)
    assert again.replayed
    assert ("one", "later") == again.order.notes


def test_a_placement_can_be_repeated_without_an_id(shop: Shop) -> None:
    """A retry of a placement whose answer was lost finds the order that it made."""
    priced = basket(line("tea", 1))
    first = shop.service.place(priced, key="web-1", by=BUYER, tenders=(CARD,))
    before = dump(shop.store)
    again = shop.service.place(priced, key="web-1", by=BUYER, tenders=(CARD,))
    assert first.order.id == again.order.id
    assert again.replayed
    assert before == dump(shop.store)


def test_a_coupon_goes_to_one_order(shop: Shop) -> None:
    """A single-use coupon and an external id are claimed once (ABUSE 22)."""
    for values in ({"coupons": ("SPRING",)}, {"references": (("shopify", "1001"),)}):
        assert isinstance(refused(shop, place(shop, **values)), AlreadyClaimedError)
    assert shop.service.find("shopify", "1001") == ORDER


def test_an_external_reference_has_one_normal_form(shop: Shop) -> None:
    """The composed and the decomposed spelling of a reference are one claim (ABUSE 18)."""
    shop.do(ORDER, oc.AddReference(system="erp", value="Cafe\u0301"))
    call = place(shop, references=(("erp", "Caf\u00e9"),))
    assert isinstance(refused(shop, call), AlreadyClaimedError)


def test_a_card_number_is_nowhere(shop: Shop) -> None:
    """A card number in a note is masked, in a payment field refused, and never shown (PAY-8)."""
    order = shop.do(ORDER, oc.AddNote(text=f"the card is {PAN}, ok?")).order
    assert ("the card is [card number removed], ok?",) == order.notes
    error = refused(shop, lambda: Tender(id=TenderId("c2"), instrument=PAN.replace(" ", "")))
    shown = f"{error} {error!r} {error.facts} {dump(shop.store)}"
    assert PAN not in shown
    assert PAN.replace(" ", "") not in shown


@pytest.mark.parametrize("number", [PAN, PAN.replace(" ", "")])
def test_a_card_number_is_no_name_of_an_order(shop: Shop, number: str) -> None:
    """Neither as the reference nor as the system, nor twice; it is kept and shown nowhere."""
    calls = (
        lambda: shop.do(ORDER, oc.AddReference(system="erp", value=number)),
        lambda: shop.do(ORDER, oc.AddReference(system=number, value="1")),
        place(shop, references=(("erp", number),)),
        place(shop, references=(("erp", number), ("erp", number))),
    )
    for call in calls:
        error = refused(shop, call)
        assert isinstance(error, CardNumberError)
        assert number not in f"{error} {error!r} {error.facts} {dump(shop.store)}"


def test_the_core_refuses_a_card_number_by_itself(shop: Shop) -> None:
    """Not only the service does: whoever decides without it is refused as well."""
    named = oc.AddReference(system="erp", value=PAN.replace(" ", ""))
    with pytest.raises(CardNumberError):
        decide(shop.load(ORDER), named, shop.clock.now)


def test_a_reduction_below_zero_is_refused(shop: Shop) -> None:
    """A refund of less than nothing cannot be said (ABUSE 43)."""

    def quoted(minor: int) -> object:
        part = PriceReduction(line=TEA, slots=SlotSet.of(0, 1), amount=eur(minor))
        wanted = RefundRequest(
            id=CreditId("c"), cause=CreditCause.PRICE_REDUCTION, reductions=(part,)
        )
        return shop.service.quote_refund(ORDER, wanted)

    for minor in (0, -1, 1001):
        refused(shop, lambda: quoted(minor))  # noqa: B023


def test_a_lease_is_longer_than_a_call(shop: Shop) -> None:
    """Settings under which two workers could serve one order at once are refused."""
    able = Capabilities(call_timeout=timedelta(minutes=5))
    shop.till.able = able
    assert "lease-too-short" == refused(shop, shop.another).code


class Torn(Till):
    """A gateway that declares what it can do a few times, and then something else."""

    def __init__(self, then: object, times: int = 1) -> None:
        super().__init__()
        self.then, self.times = then, times

    @property
    def capabilities(self) -> Capabilities:
        """What is declared now."""
        self.times -= 1
        if self.times >= 0:
            return self.able
        if isinstance(self.then, Exception):
            raise self.then
        return cast("Capabilities", self.then)


def placed_through(shop: Shop, till: Till) -> object:
    """A placement with another gateway."""
    service = OrderService(store=shop.store, payments=till)
    return service.place(basket(line("tea", 1)), key="k", by=BUYER, tenders=(CARD,))


def delivery() -> ReceiveStock:
    """Goods that came in."""
    return ReceiveStock(lines=(ReceivedLine(item=ItemId("tea"), location=NORTH, quantity=1),))


MIX_UPS: Final[dict[str, tuple[Callable[[Shop], object], str]]] = {
    "a draft": (
        lambda shop: place(shop, priced=Draft(currency=EUR, lines=(line("tea", 1),)))(),
        "pass price(draft)",
    ),
    "no price at all": (lambda shop: place(shop, priced=None)(), "make one with price(draft)"),
    "a list of tenders": (lambda shop: place(shop, tenders=[CARD])(), "tenders=(first, second)"),
    "a tender": (lambda shop: place(shop, tenders=CARD)(), "tenders=(tender,)"),
    "an id twice": (lambda shop: place(shop, order=ORDER)(), "choose another id"),
    "a class": (lambda shop: loose(shop.service.execute, ORDER, oc.Cancel), "an instance"),
    "a class to preview": (lambda shop: loose(shop.service.preview, ORDER, oc.Cancel), "instance"),
    "an order": (
        lambda shop: loose(shop.service.execute, shop.load(ORDER), oc.Cancel()),
        "pass order.id",
    ),
    "a line alone": (
        lambda shop: loose(shop.service.quote_refund, ORDER, [LineId("tea")]),
        "pairs of a line and its slots",
    ),
    "a number of units": (
        lambda shop: loose(shop.service.quote_refund, ORDER, [(LineId("tea"), 1)]),
        "pairs of a line and its slots",
    ),
    "nothing to refund": (
        lambda shop: loose(shop.service.quote_refund, ORDER, None),
        "pairs of a line and its slots",
    ),
    "no gateway": (
        lambda shop: loose(OrderService, store=shop.store, payments=None),
        "payments must be an instance of PaymentGateway, not NoneType",
    ),
    "the class of a gateway": (
        lambda shop: loose(OrderService, store=shop.store, payments=type(shop.till)),
        "not the class Till itself",
    ),
    "a path as a store": (
        lambda shop: loose(OrderService, store="shop.db", payments=shop.till),
        "store must be an instance of Store, not str",
    ),
    "capabilities by name": (
        lambda shop: placed_through(shop, Torn({"look_up": True})),
        "Torn.capabilities must be an instance of Capabilities, not dict.",
    ),
    "capabilities that ask somebody": (
        lambda shop: placed_through(shop, Torn(ConnectionError("secret"))),
        "Torn.capabilities must be an instance of Capabilities, not an error (ConnectionError).",
    ),
    "capabilities that miss something": (
        lambda shop: placed_through(shop, Torn(AttributeError("able"))),
        "Torn.capabilities must be an instance of Capabilities, not an error (AttributeError).",
    ),
    "a service of such a gateway": (
        lambda shop: loose(OrderService, store=shop.store, payments=Torn(KeyError("able"), 0)),
        "Torn.capabilities must be an instance of Capabilities, not an error (KeyError).",
    ),
    "a word as a command": (
        lambda shop: loose(shop.service.execute, ORDER, "cancel"),
        "str is no command of an order; pass an instance of one.",
    ),
    "stock for an order": (
        lambda shop: loose(shop.service.execute, ORDER, delivery()),
        "ReceiveStock is no command of an order; pass it to service.stock.execute.",
    ),
    "stock to preview": (
        lambda shop: loose(shop.service.preview, ORDER, delivery()),
        "pass it to service.stock.execute.",
    ),
    "store value for an order": (
        lambda shop: loose(shop.service.execute, ORDER, ReportLapse(at=shop.clock.now)),
        "pass it to service.credit.execute.",
    ),
    "an order's command for stock": (
        lambda shop: loose(shop.service.stock.execute, oc.Cancel()),
        "Cancel is no operation on stock; pass it to service.execute.",
    ),
    "an order's command for an account": (
        lambda shop: loose(shop.service.credit.execute, "a", oc.Cancel()),
        "Cancel is no operation on an account; pass it to service.execute.",
    ),
    "text as a limit": (
        lambda shop: loose(shop.service.run_due, limit="3"),
        "limit is not usable: it must be an int, not str.",
    ),
    "no work at all": (
        lambda shop: shop.service.run_due(limit=0),
        "limit is not usable: it must be at least 1.",
    ),
    "a time without a zone": (
        lambda shop: allowed(shop.load(ORDER), NAIVE),
        "time zone",
    ),
    "no price to explain": (
        lambda _: loose(explain, Draft(currency=EUR, lines=(line("tea", 1),))),
        "as price(draft) is",
    ),
    "a receipt": (
        lambda shop: loose(statuses, shop.do(ORDER, oc.ChangeTags())),
        "pass receipt.order",
    ),
    "a receipt's balance": (lambda _: loose(balance, None), "no Order"),
    "a receipt's requests": (lambda _: loose(allowed, None, datetime.now(UTC)), "no Order"),
    "a float": (
        lambda _: loose(evolve, line("tea", 1), unit_price=10.99),
        "Money or UnitPrice, as in Money(1099, EUR)",
    ),
    "ten as a rate": (
        lambda _: loose(PercentOff, code="TEN", rate=10),
        "discount TEN cannot be used: its rate must be a Fraction from 0 to 1",
    ),
    "nineteen as a rate of tax": (
        lambda _: loose(Tax, code="vat", rate=19),
        "such as Fraction(19, 100), not int",
    ),
    "nineteen times the base": (
        lambda _: loose(Tax, code="vat", rate=Fraction(19)),
        "such as Fraction(19, 100) for 19 %",
    ),
    "a note of nothing": (
        lambda shop: loose(shop.service.execute, ORDER, loose(oc.AddNote, text=None)),
        "AddNote.text must be text, not NoneType.",
    ),
    "words that a hold blocks": (
        lambda shop: loose(
            shop.service.execute, ORDER, loose(oc.PlaceHold, kind="x", blocks=("ship",))
        ),
        "A hold must name what it stops: a tuple of one or more of Blocks.CONFIRM, ",
    ),
    "units by line": (
        lambda shop: loose(shop.service.execute, ORDER, loose(oc.CancelUnits, units={TEA: 1})),
        "above zero (write ((line, 1),)).",
    ),
    "a draft to add": (
        lambda shop: loose(
            shop.service.execute,
            ORDER,
            loose(
                oc.ProposeAmendment,
                proposal="p",
                addition=Draft(currency=EUR, lines=(line("tea", 1),)),
            ),
        ),
        "ProposeAmendment.addition must be a PricedOrder, not Draft.",
    ),
    "no quote": (
        lambda shop: loose(shop.service.execute, ORDER, loose(oc.Refund, quote=None)),
        "Refund.quote must be a RefundQuote, not NoneType.",
    ),
    "a coupon alone": (
        lambda shop: place(shop, coupons="X")(),
        "Place.coupons must be a tuple, not str.",
    ),
    "references by name": (
        lambda shop: place(shop, references={})(),
        "Place.references must be a tuple, not dict.",
    ),
    "a country as a destination": (
        lambda shop: place(shop, destination="DE")(),
        "Place.destination must be a Destination, not str.",
    ),
    "ten as the rate of a fee": (
        lambda _: loose(PercentFee, name="restocking", rate=10),
        "from 0 to 1, such as Fraction(10, 100)",
    ),
    "a word for when to capture": (
        lambda _: loose(PaymentPolicy, capture="placement"),
        "capture cannot be used: it must be a CaptureWhen such as CaptureWhen.PLACEMENT",
    ),
}


@pytest.mark.parametrize("mix_up", MIX_UPS)
def test_what_hosts_mix_up_is_told_with_the_next_step(shop: Shop, mix_up: str) -> None:
    """The message says what to write instead."""
    call, advice = MIX_UPS[mix_up]
    assert advice in str(refused(shop, lambda: call(shop)))
