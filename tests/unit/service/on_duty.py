"""A process that is on duty until a signal ends it; started by `test_duty`."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from ordercore.adapters.sqlite import SqliteStore
from ordercore.payment.answers import LookUpAnswer
from ordercore.ports.gateways import PaymentCall
from ordercore.service.duty import stopping, work
from ordercore.service.sync import OrderService
from tests.laws.order_world import Till


def say(text: str) -> None:
    """Tell the test at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class SlowTill(Till):
    """A gateway that thinks for a while before it answers, and says when it begins."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        say("asked")
        time.sleep(1.0)
        return self._succeeded(call)


def main(path: str) -> None:
    """Work on a shop an hour from now, so that what was in doubt is due."""
    store = SqliteStore(path, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    with stopping() as stop:
        duty = work(OrderService(store=store, payments=SlowTill()), stop=stop)
    store.close()
    say(f"served {duty.served}, failed {duty.failed}")


if __name__ == "__main__":
    main(sys.argv[1])
