"""One parcel, one label, however often its carrier has to be asked (RULES F-3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import define, field

from ordercore.adapters.memory import MemoryStore
from ordercore.fulfilment.commands import (
    Dispatch,
    PackItem,
    PackParcel,
    ReportBooking,
    RetryBooking,
    UnpackParcel,
)
from ordercore.fulfilment.model import Booked, BookingDeclined, Parcel, ParcelStatus
from ordercore.ids import Actor, ItemId, LineId, LocationId, OrderId, ParcelId, TenderId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.order.terms import Terms
from ordercore.payment.model import Tender
from ordercore.service.sync import OrderService
from ordercore.testing.sandbox import Fate, SandboxCarrier, SandboxGateway
from ordercore.testing.scenario import small_order

ORDER = OrderId("order-1")
PARCEL = ParcelId("parcel-1")


@define
class House:
    """A shop with one packed parcel, and its carrier."""

    now: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    carrier: SandboxCarrier = field(init=False)
    shop: OrderService = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.carrier = SandboxCarrier(":memory:", clock=self.clock)
        gateway = SandboxGateway(":memory:", clock=self.clock, decline=False)
        store = MemoryStore(clock=self.clock)
        self.shop = OrderService(store=store, payments=gateway, carrier=self.carrier)
        stock = ReceivedLine(item=ItemId("item-1"), location=LocationId("shop"), quantity=5)
        self.shop.stock.execute(ReceiveStock(lines=(stock,)))
        self.shop.place(
            small_order().priced,
            key="checkout",
            by=Actor("customer:1"),
            order=ORDER,
            terms=Terms(book_carrier=True),
            tenders=(Tender(id=TenderId("card")),),
        )

    def clock(self) -> datetime:
        return self.now

    @property
    def parcel(self) -> Parcel:
        """The parcel as the order knows it."""
        return self.shop.load(ORDER).fulfilment.parcels[PARCEL]

    def pack(self, fate: Fate, *, grams: int = 500) -> None:
        """Pack both units for the post, whose first booking meets this fate."""
        self.carrier.meet(fate)
        work = next(iter(self.shop.load(ORDER).fulfilment.orders))
        items = (PackItem(line=LineId("1"), quantity=2),)
        parcel = PackParcel(
            parcel=PARCEL, fulfilment=work, items=items, carrier="post", weight_g=grams
        )
        self.shop.execute(ORDER, parcel)

    def passes(self, time: timedelta) -> None:
        """Time passes, and the worker does what is due."""
        self.now += time
        self.shop.run_due(limit=10)

    @property
    def labels(self) -> list[str]:
        """What the carrier booked."""
        return [row.tracking_number for row in self.carrier.ledger() if not row.declined]


@pytest.mark.parametrize("fate", [Fate.LOST_CALL, Fate.LOST_ANSWER, Fate.LATE_CALL, Fate.ERROR])
def test_a_booking_without_an_answer_is_asked_again_under_its_key(fate: Fate) -> None:
    """A fresh key would buy a second label for the same parcel."""
    house = House()
    house.pack(fate)
    house.passes(timedelta(minutes=6))
    assert [house.shop.load(ORDER).fulfilment.parcels[PARCEL].tracking_number] == house.labels


def test_what_a_person_asks_again_has_the_same_key() -> None:
    """After the last try a person asks: the label that was bought unheard is taken."""
    house = House()
    house.pack(Fate.LOST_ANSWER)
    for _ in range(7):
        house.carrier.meet(Fate.LOST_ANSWER)
        house.passes(timedelta(hours=8))
    assert not house.shop.load(ORDER).fulfilment.parcels[PARCEL].needs_booking
    house.shop.execute(ORDER, RetryBooking(parcel=PARCEL))
    assert [house.shop.load(ORDER).fulfilment.parcels[PARCEL].tracking_number] == house.labels


def test_another_carrier_is_asked_under_another_key() -> None:
    """What one carrier may have booked under a key says nothing about the other one."""
    house = House()
    house.pack(Fate.LOST_ANSWER)
    house.shop.execute(ORDER, RetryBooking(parcel=PARCEL, carrier="freight"))
    keys = [row.key for row in house.carrier.ledger()]
    assert len(set(keys)) == len(keys) == 2


def test_a_person_may_ask_again_as_often_as_they_like() -> None:
    """The answer to the ninth question counts too: it is not asked for ever (RULES F-2)."""
    house = House()
    house.pack(Fate.FINE, grams=40_000)
    for number in range(9):
        house.shop.execute(ORDER, RetryBooking(parcel=PARCEL))
        assert "too heavy" == house.shop.load(ORDER).fulfilment.parcels[PARCEL].booking.failed
        assert number + 2 == len(house.carrier.ledger())


def test_a_parcel_that_left_learns_of_the_label_that_was_bought_for_it() -> None:
    """Whoever does not wait for the carrier's answer has a paid label that nobody knows else."""
    house = House()
    house.pack(Fate.LOST_ANSWER)
    house.shop.execute(ORDER, Dispatch(parcel=PARCEL))
    house.passes(timedelta(minutes=6))
    parcel = house.shop.load(ORDER).fulfilment.parcels[PARCEL]
    assert [parcel.tracking_number] == house.labels
    assert ParcelStatus.DISPATCHED is parcel.status


@pytest.mark.parametrize("fate", [Fate.FINE, Fate.LOST_ANSWER, Fate.LATE_CALL])
def test_what_is_packed_anew_is_asked_under_another_key(fate: Fate) -> None:
    """A key never stands for two things: another box under the id of one that was taken apart."""
    house = House()
    house.pack(fate)
    house.shop.execute(ORDER, UnpackParcel(parcel=PARCEL))
    house.pack(Fate.FINE, grams=900)
    assert "" == house.parcel.booking.failed
    house.passes(timedelta(hours=1))
    asked = [(row.key, row.declined) for row in house.carrier.ledger()]
    assert len({key for key, _ in asked}) == len(asked) == 2
    assert not any(declined for _, declined in asked)
    assert house.parcel.tracking_number in house.labels


@pytest.mark.parametrize("is_anew", [True, False], ids=["packed anew", "another carrier"])
def test_an_answer_to_an_earlier_asking_changes_nothing(is_anew: bool) -> None:
    """A label that comes late is of another box, or another carrier: a person voids it."""
    house = House()
    house.pack(Fate.LOST_CALL)
    if is_anew:
        house.shop.execute(ORDER, UnpackParcel(parcel=PARCEL))
        house.pack(Fate.LOST_CALL, grams=900)
    else:
        house.carrier.meet(Fate.LOST_CALL)
        house.shop.execute(ORDER, RetryBooking(parcel=PARCEL, carrier="freight"))
    before = house.parcel
    for answer in (Booked(tracking_number="OLD1"), BookingDeclined(reason="too heavy")):
        report = ReportBooking(parcel=PARCEL, answer=answer, asked=1, at=house.now)
        house.shop.execute(ORDER, report)
    assert before == house.parcel
    assert ["OLD1"] == [kept.raw for kept in house.shop.load(ORDER).fulfilment.parked]
    report = ReportBooking(parcel=PARCEL, answer=Booked(tracking_number="NEW1"), at=house.now)
    house.shop.execute(ORDER, report)
    assert "NEW1" == house.parcel.tracking_number
