"""
The hooks of the gateway suite, and short words for the calls that it makes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import pytest
from attrs import define

from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import EUR, Currency, Money
from ordercore.payment.answers import (
    Answer,
    LookUpAnswer,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.model import Operation, Tender
from ordercore.ports.gateways import PaymentCall, PaymentGateway

__all__ = ["GatewayCase", "Till"]

SEND_WINDOW: Final = timedelta(minutes=15)


@define
class Till:
    """One order at one gateway; ``case`` knows how long to wait for what is pending."""

    case: GatewayCase
    gateway: PaymentGateway
    order: OrderId
    tender: Tender

    def call(
        self,
        operation: Operation,
        minor: int,
        *,
        target: Reference | None = None,
        key: str | None = None,
    ) -> PaymentCall:
        """A call of this order; a fresh key unless one is given."""
        return PaymentCall(
            order=self.order,
            key=Key(key or f"{self.order}:{operation}:{self.case.new_id()}"),
            operation=operation,
            tender=self.tender,
            amount=Money(minor, self.case.currency),
            not_after=datetime.now(UTC) + SEND_WINDOW,
            target=target,
        )

    def send(self, call: PaymentCall) -> LookUpAnswer:
        """Send a call, again while nobody knows, and wait for what is pending."""
        answer: LookUpAnswer = self.once(call)
        for _ in range(self.case.patience):
            if isinstance(answer, Unknown):
                answer = self.once(call)
            elif isinstance(answer, Pending):
                self.case.wait()
                answer = self.gateway.look_up(call)
            else:
                break
        return answer

    def once(self, call: PaymentCall) -> Answer:
        """Send a call once."""
        match call.operation:
            case Operation.AUTHORISE:
                return self.gateway.authorise(call)
            case Operation.CAPTURE:
                return self.gateway.capture(call)
            case Operation.VOID:
                return self.gateway.void(call)
            case Operation.REFUND:
                return self.gateway.refund(call)
            case Operation.INCREASE:
                return self.gateway.increase(call)
            case Operation.EXTEND:
                return self.gateway.extend(call)

    def done(self, call: PaymentCall) -> Succeeded:
        """Send a call that must succeed in full."""
        answer = self.send(call)
        assert isinstance(answer, Succeeded), f"{call.operation} should succeed, not {answer}"
        assert call.amount == answer.amount
        return answer

    def refused(self, call: PaymentCall) -> None:
        """Send a call that must not move anything."""
        answer = self.send(call)
        moved = isinstance(answer, Succeeded | PartiallyApproved)
        assert not moved, f"{call.operation} of {call.amount} should not succeed: {answer}"

    def authorise(self, minor: int) -> Reference:
        """Set an amount aside; the gateway's reference of it."""
        return self.done(self.call(Operation.AUTHORISE, minor)).reference

    def increase(self, minor: int, authorisation: Reference) -> Reference:
        """Raise an authorisation to an amount; the gateway's reference of it."""
        return self.done(self.call(Operation.INCREASE, minor, target=authorisation)).reference

    def capture(self, minor: int, authorisation: Reference) -> Reference:
        """Take an amount; the gateway's reference of it."""
        return self.done(self.call(Operation.CAPTURE, minor, target=authorisation)).reference

    def found(self, call: PaymentCall) -> LookUpAnswer:
        """What the gateway says about a call, asked again while it does not know."""
        answer = self.gateway.look_up(call)
        for _ in range(self.case.patience):
            if not isinstance(answer, Unknown):
                break
            answer = self.gateway.look_up(call)
        return answer


class GatewayCase:
    """
    What a host gives to run the suite: a gateway that moves test money, and a tender for it.

    Define `make_gateway`, or override the fixture `gateway`::

        class TestMyGateway(PaymentGatewayContract):
            tender = Tender(id=TenderId("card"), instrument="tok_visa")

            def make_gateway(self) -> PaymentGateway:
                return MyGateway(test_key)

    ``amount_minor`` is an amount that it takes, ``patience`` how often it is asked about what is
    pending or unknown. Give `lose_next_reply` too where you can: a timeout that is taken for a
    decline is the dearest bug of a gateway, and no other test here finds it.
    """

    currency: Currency = EUR
    tender: Tender = Tender(id=TenderId("card"), instrument="tok_good")
    amount_minor: int = 6000
    patience: int = 10

    def make_gateway(self) -> PaymentGateway:
        """The gateway under test; the suite uses fresh orders and keys in each test."""
        pytest.fail("define make_gateway(), or override the fixture `gateway`")

    def declined_call(self, till: Till) -> PaymentCall | None:
        """An authorisation that the gateway declines, by its tender or amount; None: not known."""
        del till
        return None

    def lose_next_reply(self, gateway: PaymentGateway) -> bool:
        """
        Let the next call be carried out by the provider, and its reply be lost on the way back.

        Such as by a transport that raises its timeout after it has sent. Return True where that
        was set up; False: the suite skips what it would ask.
        """
        del gateway
        return False

    def new_id(self) -> str:
        """A fresh part of an order id or key: the gateway remembers those of earlier runs."""
        return uuid4().hex

    def wait(self) -> None:
        """Wait before asking again about what is pending."""

    @pytest.fixture
    def gateway(self) -> PaymentGateway:
        """The gateway under test."""
        return self.make_gateway()

    @pytest.fixture
    def till(self, gateway: PaymentGateway) -> Till:
        """A fresh order at the gateway under test."""
        return Till(self, gateway, OrderId(f"contract-{self.new_id()}"), self.tender)
