from __future__ import annotations

from pathlib import Path

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

from ordercore.ports.gateways import PaymentCall, PaymentGateway
from ordercore.testing.contracts.gateway import PaymentGatewayContract, Till

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"


def shown() -> type[PaymentGatewayContract]:
    """The suite that the page shows, over the gateway that it shows."""
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(PAGE)
    for example in document.examples():
        example.evaluate()
    suite: object = document.namespace["TestProviderGateway"]
    assert isinstance(suite, type)
    assert issubclass(suite, PaymentGatewayContract)
    return suite


class TestTheGatewayOfThePage(PaymentGatewayContract):
    """The gateway that docs/gateway.md shows keeps what `PaymentGateway` promises."""

    suite = shown()
    tender = suite.tender

    def make_gateway(self) -> PaymentGateway:
        """The gateway as the page makes it."""
        return self.suite().make_gateway()

    def declined_call(self, till: Till) -> PaymentCall | None:
        """The call as the page makes it."""
        return self.suite().declined_call(till)

    def lose_next_reply(self, gateway: PaymentGateway) -> bool:
        """The reply is lost as the page loses it."""
        return self.suite().lose_next_reply(gateway)
