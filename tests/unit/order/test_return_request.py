"""What an inspection grants reaches the customer's money."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import evolve as changed

from ordercore.ids import LineId, ReturnId
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.order.quote import return_request
from ordercore.order.terms import Terms
from ordercore.refund.model import CreditCause, InvalidRefundError
from ordercore.returns import commands as rc
from ordercore.returns.decide import UnknownReturnError
from ordercore.returns.model import Disposition, Grade, ReturnPurpose, ReturnUnits
from ordercore.returns.policy import GradeRule, ReturnPolicy
from tests.laws.order_world import NORTH, Shop, eur, line

TEA = LineId("tea")
RMA = ReturnId("r-1")
HALF = GradeRule(grade=Grade.B_OPENED, disposition=Disposition.RESTOCK, deduction=Fraction(1, 3))


def came_back() -> tuple[Shop, Order]:
    """Three units for 30.00 were sent and are back; opened ones lose a third."""
    shop = Shop()
    shop.receive("tea", 5)
    policy = ReturnPolicy(grades=(HALF,))
    order = shop.place(line("tea", 3), terms=Terms(returns=policy))
    shop.send_all(order.id, deliver=True)
    receipt = rc.ReceiveReturn(
        return_id=RMA, items=(ReturnUnits(line=TEA, quantity=3),), location=NORTH
    )
    return shop, shop.do(order.id, receipt).order


def found(
    shop: Shop, order: Order, grade: Grade, units: int, *, accepted: bool | None = None
) -> Order:
    """So many units are graded."""
    finding = rc.Finding(
        units=ReturnUnits(line=TEA, quantity=units), grade=grade, accepted=accepted
    )
    return shop.do(order.id, rc.InspectReturn(return_id=RMA, results=(finding,))).order


def paid_back(shop: Shop, order: Order) -> int:
    """Credit what the return grants; what the till has given back since the payment."""
    quote = shop.service.quote_refund(order.id, RMA)
    shop.do(order.id, oc.Refund(quote=quote))
    return 3000 - shop.till.held(order.id)


def test_a_deduction_is_kept_and_no_more() -> None:
    """R-4: the grade decides the deduction; 10.00 of an opened unit give back 6.67."""
    shop, order = came_back()
    order = found(shop, order, Grade.A_NEW, 1)
    order = found(shop, order, Grade.B_OPENED, 1)
    assert 1667 == paid_back(shop, order)
    with pytest.raises(InvalidRefundError, match="asks for nothing"):
        return_request(shop.load(order.id), RMA)


def test_an_upgrade_pays_the_rest() -> None:
    """R-1: what was found before can change; in the end each unit gives back what it was worth."""
    shop, order = came_back()
    order = found(shop, order, Grade.B_OPENED, 3)
    assert 2000 == paid_back(shop, order)
    results = (rc.Finding(units=ReturnUnits(line=TEA, quantity=3), grade=Grade.A_NEW),)
    order = shop.do(order.id, rc.InspectReturn(return_id=RMA, results=results)).order
    assert 3000 == paid_back(shop, order)
    assert eur(0) == balance(shop.load(order.id)).owed


def test_units_that_are_not_accepted_give_back_nothing() -> None:
    """R-4: the inspection may refuse what came."""
    shop, order = came_back()
    order = found(shop, order, Grade.C_DAMAGED, 1, accepted=False)
    with pytest.raises(InvalidRefundError, match="asks for nothing"):
        shop.service.quote_refund(order.id, RMA)
    with pytest.raises(UnknownReturnError):
        shop.service.quote_refund(order.id, ReturnId("nobody"))


def test_a_claim_is_credited_as_a_claim() -> None:
    """R-5: the purpose of the return is the cause of the credit."""
    shop, order = came_back()
    order = found(shop, order, Grade.A_NEW, 1)
    rma = changed(order.returns.rmas[RMA], purpose=ReturnPurpose.CLAIM)
    claimed = changed(order, returns=changed(order.returns, rmas={RMA: rma}))
    assert CreditCause.RETURNED is return_request(order, RMA).cause
    assert CreditCause.CLAIM is return_request(claimed, RMA).cause
