"""
Where the shop's orders come from: Shopify's published samples, and a real till of 2009.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

from ordercore import Draft, LineId, OrderCoreError, OrderId, price
from ordercore.codec.strict_json import PayloadError
from ordercore.integrations.imports import Imported, Policy, Unchanged, compare_versions, resolve
from ordercore.integrations.shopify import (
    read_draft_orders,
    read_fulfilments,
    read_orders,
    read_refunds,
    read_transactions,
)
from retail import invoices, match_cancellations, read_rows, to_draft
from shop import Sale

DATA = Path(__file__).parent / "data"
READERS = {
    "draft_order": read_draft_orders,
    "fulfillment": read_fulfilments,
    "order": read_orders,
    "refund": read_refunds,
    "transaction": read_transactions,
}


@define
class Outcomes:
    """What became of every file and invoice that was read."""

    counts: Counter[str] = field(factory=Counter[str])
    refused: list[tuple[str, str]] = field(factory=list[tuple[str, str]])
    differences: int = 0


def shopify(outcomes: Outcomes) -> Iterator[Sale]:
    """The orders of Shopify's samples, each once; a repeated one changes nothing (RULES X-1)."""
    taken: dict[str, Imported] = {}
    for path in sorted((DATA / "shopify").glob("*.json")):
        for imported in _read(path, outcomes):
            name = f"{imported.reference.kind}-{imported.reference.id}"
            known = taken.get(name)
            if known is not None:
                same = isinstance(compare_versions(known.updated_at, imported), Unchanged)
                outcomes.counts["the same order again" if same else "another version of it"] += 1
                continue
            taken[name] = imported
            outcomes.differences += len(imported.discrepancies)
            yield Sale(
                order=OrderId(f"shopify-{name}"),
                priced=resolve(imported, Policy.COMPUTED),
                reference=("shopify", name),
            )


def _read(path: Path, outcomes: Outcomes) -> Iterator[Imported]:
    kind = path.stem.removeprefix("py_").removeprefix("rb2024_01_").split("_get_")[0]
    kind = kind.split("_post_")[0].split("_put_")[0].removesuffix("s")
    try:
        found = READERS[kind](path.read_bytes())
    except PayloadError as error:
        outcomes.counts["file refused, with the path of the fault"] += 1
        outcomes.refused.append((path.name, str(error)))
        return
    outcomes.counts[f"{kind} files read"] += 1
    for thing in found:
        if isinstance(thing, Imported):
            yield thing


def till(outcomes: Outcomes, *, limit: int | None = None) -> Iterator[Sale]:
    """The invoices of the till that are orders, with the units that came back later."""
    rows = tuple(read_rows(DATA / "retail_slice.csv"))
    back: dict[str, dict[LineId, int]] = {}
    for match in match_cancellations(rows).matches:
        lines = back.setdefault(match.bought.invoice, {})
        lines[match.bought.id] = lines.get(match.bought.id, 0) + match.quantity
    taken = 0
    for invoice in invoices(rows):
        draft = to_draft(invoice)
        if not isinstance(draft, Draft):
            outcomes.counts["invoices that are no order"] += 1
            continue
        if limit is not None and taken == limit:
            return
        try:
            priced = price(draft)
        except OrderCoreError as error:
            outcomes.counts["invoices refused"] += 1
            outcomes.refused.append((invoice.number, str(error)))
            continue
        taken += 1
        outcomes.counts["invoices taken as orders"] += 1
        goods = {line.id for line in priced.lines if line.needs_fulfilment}
        returned = back.get(invoice.number, {})
        yield Sale(
            order=OrderId(f"till-{invoice.number}"),
            priced=priced,
            reference=("till", invoice.number),
            returns=tuple((line, units) for line, units in returned.items() if line in goods),
        )


if __name__ == "__main__":
    print("A part of the quickstart; run it: python examples/quickstart.py")
