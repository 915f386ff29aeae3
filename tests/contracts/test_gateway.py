"""The shipped contract suite against the sandbox, well behaved and otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count
from pathlib import Path

import pytest

from ordercore.money import JPY
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import PaymentCall, PaymentGateway
from ordercore.testing.contracts.gateway import PaymentGatewayContract, Till
from ordercore.testing.sandbox import Faults, SandboxGateway


class TestSandbox(PaymentGatewayContract):
    """The sandbox keeps every promise of a payment gateway."""

    def declined_call(self, till: Till) -> PaymentCall:
        return till.call(Operation.AUTHORISE, 6002)

    @pytest.fixture(params=[":memory:", "file"])
    def gateway(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PaymentGateway]:
        path = tmp_path / "gateway.db" if request.param == "file" else ":memory:"
        made = SandboxGateway(path)
        yield made
        made.close()


class TestUnreliable(PaymentGatewayContract):
    """It keeps them too while calls are lost, late and pending."""

    patience = 100

    def make_gateway(self) -> PaymentGateway:
        steps, start = count(), datetime.now(UTC)
        faults = Faults(
            lost_call=150,
            lost_answer=150,
            late_call=100,
            pending=100,
            longest_delay=timedelta(minutes=2),
            longest_wait=timedelta(minutes=5),
        )
        return SandboxGateway(
            ":memory:",
            capabilities=Capabilities(incremental=True, extend=True),
            faults=faults,
            clock=lambda: start + timedelta(seconds=10 * next(steps)),
        )

    def new_id(self) -> str:
        """The same ids in each run, so that the same calls go wrong."""
        self.ids = getattr(self, "ids", 0) + 1
        return str(self.ids)


class TestSimple(PaymentGatewayContract):
    """It keeps them with few capabilities, in a currency without minor units."""

    currency = JPY

    def make_gateway(self) -> PaymentGateway:
        declared = Capabilities(
            currencies=("JPY",), partial_capture=False, multiple_capture=False, look_up=False
        )
        return SandboxGateway(":memory:", capabilities=declared)


class TestGenerous(PaymentGatewayContract):
    """It keeps them with over-capture, partial voids, increases and extensions."""

    def make_gateway(self) -> PaymentGateway:
        declared = Capabilities(
            partial_void=True, over_capture=Fraction(15, 100), incremental=True, extend=True
        )
        return SandboxGateway(":memory:", capabilities=declared)
