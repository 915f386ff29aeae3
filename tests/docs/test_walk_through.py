from __future__ import annotations

import re
from contextlib import chdir
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

from ordercore import Order, SqliteStore, balance, replay, statuses
from ordercore.ids import StreamId

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "walk-through.md"
CALLS = (
    "AcceptCancel",
    "ApproveReturn",
    "CloseReturn",
    "ConfirmAmendment",
    "Dispatch",
    "InspectReturn",
    "PackParcel",
    "PickUnits",
    "PlaceHold",
    "ProposeAmendment",
    "ReceiveReturn",
    "Refund",
    "ReleaseHold",
    "ReportTracking",
    "RequestReturn",
    "SplitOrder",
    "SqliteStore",
    "UndoAmendment",
    "service.allowed",
    "service.place",
    "service.preview",
    "service.quote_refund",
    "service.run_due",
)

Row = tuple[str, ...]


def blocks(text: str) -> str:
    """The code of a page."""
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def glance(text: str) -> tuple[Row, ...]:
    """The rows of the table of the whole life, without the call."""
    (table,) = re.findall(r"\| call \| order \|.*?\n\|[-|]+\n(.*?)\n\n", text, re.DOTALL)
    return tuple(
        tuple(cell.strip() for cell in line.strip("|").split("|"))[1:] for line in table.split("\n")
    )


def row(order: Order) -> Row:
    """What the table says of an order."""
    axes, sums = statuses(order), balance(order)
    amounts = (str(amount).split()[0] for amount in (sums.owed, sums.held))
    return (
        axes.order.value,
        axes.payment.value,
        axes.fulfilment.value,
        axes.returned.value,
        *amounts,
    )


def lived(folder: Path) -> tuple[Row, ...]:
    """Run the page, and read off its file how its first order stood after each fact."""
    with chdir(folder):
        document = Sybil(parsers=[PythonCodeBlockParser()]).parse(PAGE)
        for example in document.examples():
            example.evaluate()
        store = SqliteStore("shop.db")
        stream = StreamId(document.namespace["receipt"].order.id)
        events = [event for commit in store.history(stream) for event in commit.events[stream]]
        store.close()
    return tuple(row(replay(events[: end + 1])) for end in range(len(events)))


def untold(rows: tuple[Row, ...], life: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows of a table that do not come, in their order, in a life."""
    rest = iter(life)
    return tuple(each for each in rows if each not in rest)


@pytest.mark.parametrize("name", CALLS)
def test_the_page_holds_each_call(name: str) -> None:
    """A newcomer finds a call of everything that an order's life needs."""
    assert f"{name}(" in blocks(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/where.md"])
def test_the_page_is_linked(page: str) -> None:
    """Whoever begins elsewhere is led to it."""
    assert "walk-through.md)" in (ROOT / page).read_text(encoding="utf-8")


def test_the_table_is_what_happens(tmp_path: Path) -> None:
    """The table shows the states of the first order, in their order, from the first to the last."""
    rows, life = glance(PAGE.read_text(encoding="utf-8")), lived(tmp_path)
    assert untold(rows, life) == ()
    assert rows[-1] == life[-1]
    wrong = (rows[1], rows[0], *rows[2:])
    assert untold(wrong, life) != ()
