"""
Kill it anywhere: child processes do the shop's work, are killed with SIGKILL, and go on.

Run it: ``python examples/crash_and_resume.py`` (``--kills 50 --seed 7``). With ``--plant`` the
shop calls the gateway before the intent is saved and dies between the two, once: the audit must
report it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from audit import violations
from ordercore import (
    ConflictError,
    OrderId,
    OrderService,
    RefusedError,
    SqliteStore,
    Tender,
    UnavailableError,
    statuses,
)
from ordercore.order.events import OrderPlaced
from ordercore.payment.events import OperationIntended
from ordercore.payment.model import Intent
from ordercore.ports.gateways import PaymentCall
from ordercore.ports.unit_of_work import ChangeSet, Committed
from sales import Outcomes, till
from shop import Sale, Shop

ORDERS = 60
CHILDREN = 2


def clock() -> datetime:
    """The machine's clock: several processes must agree on it."""
    return datetime.now(UTC)


def sales() -> tuple[Sale, ...]:
    """The work: the same list in every process."""
    return tuple(till(Outcomes(), limit=ORDERS))


def work(folder: Path, number: int, *, plant: bool) -> None:
    """What a child does: every sale, step by step, from wherever the last one died."""
    shop = Shop(folder, clock)
    if plant:
        plant_bug(shop)
    todo = sales()
    order = random.Random(number).sample(range(len(todo)), len(todo))
    print("ready", flush=True)
    for place in order:
        sale = todo[place]
        patiently(partial(shop.place, sale))
        patiently(partial(shop.fulfil, sale.order))
        patiently(partial(shop.take_back, sale))
    patiently(shop.hear)
    patiently(shop.work_off)


def patiently(step: Callable[[], object]) -> None:
    """
    Do a step; where another process was faster, look again.

    A refusal here means that the other one has done it: the next look finds it done.
    """
    for attempt in range(40):
        try:
            step()
        except (ConflictError, RefusedError, UnavailableError):
            time.sleep(0.01 * (attempt + 1))
        else:
            return
    step()


class CarelessStore(SqliteStore):
    """The planted bug: it lets the gateway be called before the intent is saved, and dies."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.folder / "shop.db", clock=clock)
        self._gateway, self._mark = shop.gateway, shop.folder / "died-once"

    def commit(self, changes: ChangeSet) -> Committed:
        """Call first, save afterwards: wrong, and once it dies in between."""
        for change in changes.streams:
            tenders = [
                placed.tenders for placed in change.events if isinstance(placed, OrderPlaced)
            ]
            for event in change.events if tenders else ():
                if isinstance(event, OperationIntended):
                    self._careless(OrderId(change.stream), event.intent, tenders[0][0])
        return super().commit(changes)

    def _careless(self, order: OrderId, intent: Intent, tender: Tender) -> None:
        self._gateway.authorise(
            PaymentCall(
                order=order,
                key=intent.key,
                operation=intent.operation,
                tender=tender,
                amount=intent.amount,
                not_after=intent.not_after,
            )
        )
        if not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def plant_bug(shop: Shop) -> None:
    """Put the careless store in the place of the good one."""
    store = CarelessStore(shop)
    shop.service = OrderService(store=store, payments=shop.gateway, carrier=shop.carrier)


def recover(folder: Path) -> None:
    """What a worker finds after a crash: no shopper comes back, only the stored facts."""
    shop = Shop(folder, clock)
    patiently(shop.hear)
    patiently(shop.work_off)


def child(folder: Path, number: int, *flags: str) -> subprocess.Popen[str]:
    """Start one process that works, and wait until it has begun."""
    command = [sys.executable, __file__, "--child", str(folder), "--number", str(number), *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if process.stdout is not None and "--recover" not in flags:
        process.stdout.readline()
    return process


def killed(folder: Path, kills: int, seed: int) -> Iterator[str]:
    """Start children, kill one after the other at moments drawn from the seed, start new ones."""
    chance = random.Random(seed)
    running = [child(folder, number) for number in range(CHILDREN)]
    for number in range(kills):
        time.sleep(chance.uniform(0.0, 0.35))
        place = chance.randrange(CHILDREN)
        victim = running[place]
        done = victim.poll()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        yield "." if done is None else "-"
        running[place] = child(folder, CHILDREN + number)
    for process in running:
        if process.wait(timeout=300) != 0:
            yield f" a child ended with {process.returncode}"
    last = child(folder, -1)
    if last.wait(timeout=300) != 0:
        yield f" the last child ended with {last.returncode}"


def planted(folder: Path) -> None:
    """One fixed kill between the call and the commit, then a worker."""
    child(folder, 0, "--plant").wait()
    child(folder, 1, "--recover").wait()


def report(folder: Path, *, whole: bool) -> int:
    """Audit what is left; *whole*: all the work must be done as well."""
    shop = Shop(folder, clock)
    found = list(violations(shop))
    if whole:
        found += list(unfinished(shop))
    for problem in found:
        print("violation:", problem)
    print("1 violation" if len(found) == 1 else f"{len(found)} violations")
    return 1 if found else 0


def unfinished(shop: Shop) -> Iterator[str]:
    """The sales that did not come through."""
    for sale in sales():
        order = shop.service.load(sale.order)
        status = statuses(order)
        if status.order not in {"fulfilled", "delivered", "completed"}:
            yield f"{sale.order} is only {status.order}"
        if sale.returns and not order.credits:
            yield f"{sale.order} came back and nothing was refunded"


def count(text: str) -> int:
    """A number of kills: zero or more."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below zero")
    return number


def arguments() -> argparse.Namespace:
    """What was asked for; how the program calls itself is not shown."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--kills", type=count, default=50, help="how many processes die (50)")
    parser.add_argument("--seed", type=int, default=7, help="decides when, and which (7)")
    parser.add_argument("--plant", action="store_true", help="plant a bug that must be found")
    parser.add_argument("--recover", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Parse, run, report."""
    given = arguments()
    if given.child is not None:
        if given.recover:
            recover(given.child)
        else:
            work(given.child, given.number, plant=given.plant)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Shop(folder, clock).stock(sales())
        if given.plant:
            print("planted bug: the gateway is called before the intent is saved; one kill")
            planted(folder)
        else:
            print(f"{given.kills} kills, seed {given.seed}, {ORDERS} orders, {CHILDREN} children")
            print("(. a process was killed at work; - it had already done its work)")
            for sign in killed(folder, given.kills, given.seed):
                print(sign, end="", flush=True)
            print()
        return report(folder, whole=not given.plant)


if __name__ == "__main__":
    sys.exit(main())
