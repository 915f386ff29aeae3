"""A blocking store behind the async port."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from ordercore.adapters.aio import ThreadedStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.ids import CommitId, ItemId, Key, LocationId, PartyId, StreamId
from ordercore.order.party import Party
from ordercore.ports.repositories import UnknownOrderError
from ordercore.ports.unit_of_work import StreamKind, UniqueClaim
from ordercore.testing.contracts._world import (
    PLACE,
    allocation,
    changes,
    note,
    received,
    reserved,
    stock_change,
    stream_change,
    summary,
)

ONE: Final = StreamId("o-1")
DAY: Final = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "shop.db")
    yield made
    made.close()


async def _work(store: ThreadedStore) -> None:
    """One call of each method, awaited."""
    first = stock_change("r-1", received(5))
    await store.commit(changes(first, commit="c-1"))
    order = evolve(stream_change(ONE, note(), reserved(ONE)), summary=summary())
    person = Party(id=PartyId("p-1"), name="Ann")
    claim = UniqueClaim("coupon", "WELCOME")
    wanted = changes(evolve(order, due_at=datetime.now(UTC)), commit="c-2", key="k-2")
    done = await store.commit(evolve(wanted, parties=(person,), claims=(claim,)))
    assert done == await store.find_key(Key("k-2")) == await store.find_commit(CommitId("c-2"))
    assert 2 == (await store.load(ONE)).version
    assert [done] == [one async for one in store.history(ONE)]
    assert ONE == await store.find_claim("coupon", "WELCOME")
    assert (ONE,) == await store.streams()
    assert ("r-1",) == await store.streams(kind=StreamKind.INVENTORY, limit=1)
    assert 1 == len(await store.summaries(status="placed"))
    assert (ONE,) == await store.take_due(limit=9, lease=DAY)
    assert await store.sleep(ONE, version=2, wakes=0, due_at=None)
    assert 1 == await store.failed(ONE, error="boom", back_off=(DAY,))
    assert 1 == (await store.counters([PLACE.item]))[PLACE].reserved
    assert (allocation(),) == await store.allocations(ONE)
    assert 2 == len([row async for row in store.ledger()])
    assert [PLACE] == [place async for place, _ in store.all_counters()]
    assert (LocationId("shop"),) == await store.locations()
    assert person == await store.party(PartyId("p-1"), 1)
    assert 1 == await store.erase(PartyId("p-1"))
    assert 2 == len(await store.unpublished(limit=9))
    await store.published(ONE, CommitId("c-2"))
    assert 1 == len(await store.unpublished(limit=9))
    assert timedelta(0) == (await store.now()).utcoffset()
    assert {} == await store.counters([ItemId("none")])
    with pytest.raises(UnknownOrderError):
        await store.load(StreamId("nobody"))
    await store.close()


def test_every_call_can_be_awaited(store: SqliteStore) -> None:
    """The answers and errors are those of the store behind it."""
    asyncio.run(_work(ThreadedStore(store)))


def test_the_event_loop_goes_on_meanwhile(store: SqliteStore) -> None:
    """Many commits at once, while something else is awaited."""

    async def work() -> int:
        threaded = ThreadedStore(store)
        commits = [
            threaded.commit(changes(stream_change(StreamId(f"o-{n}"), note()), commit=f"c-{n}"))
            for n in range(10)
        ]
        await asyncio.gather(asyncio.sleep(0), *commits)
        return len(await threaded.streams())

    assert 10 == asyncio.run(work())
