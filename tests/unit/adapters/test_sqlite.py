"""What only a file can do: survive, be shared, be damaged, be of another version."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from ordercore.adapters._sqlite_pool import Pool
from ordercore.adapters._sqlite_schema import SCHEMA
from ordercore.adapters.errors import (
    SchemaMismatchError,
    StoreBrokenError,
    StoreClosedError,
    UnusablePathError,
)
from ordercore.adapters.sqlite import SqliteStore
from ordercore.codec.failures import DecodeError, UnknownEventTypeError
from ordercore.errors import OrderCoreError
from ordercore.ids import CommitId, ItemId, Key, PartyId, StreamId
from ordercore.inventory.model import OutOfStockError, StockPolicy
from ordercore.order.evolve import replay
from ordercore.order.party import Party
from ordercore.ports.unit_of_work import CorruptStreamError, StoreBusyError, UniqueClaim
from ordercore.testing.contracts._world import (
    ITEM,
    NOON,
    PLACE,
    allocation,
    changes,
    dump,
    note,
    placed,
    policy,
    received,
    reserved,
    stock_change,
    stream_change,
    summary,
)
from ordercore.testing.contracts.stock import broken_promises

ONE: Final = StreamId("o-1")
CANARY: Final = "Zacharias-Canary"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(path)
    yield made
    made.close()


def fill(store: SqliteStore) -> None:
    """Something in every table."""
    store.commit(changes(stock_change("r-1", received(5)), commit="c-1"))
    order = evolve(stream_change(ONE, placed(ONE), reserved(ONE)), due_at=NOON, summary=summary())
    person = Party(id=PartyId("p-1"), name=CANARY)
    wanted = changes(order, commit="c-2", key="k-2")
    claim = UniqueClaim("coupon", "WELCOME")
    store.commit(evolve(wanted, parties=(person,), claims=(claim,)))
    state = replay(store.load(ONE).tail)
    change = evolve(stream_change(ONE, note(), after=2), snapshot=state)
    store.commit(changes(change, commit="c-3"))


def tamper(path: Path, statement: str, *values: object) -> None:
    """Change the file behind the store's back."""
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(statement, values).rowcount
    connection.close()


# --- many places --------------------------------------------------------------------------------


def test_a_commit_may_touch_more_places_than_one_statement_names(store: SqliteStore) -> None:
    """Seventy queues are filled by one receipt, and seventy items are read at once."""
    places = [evolve(PLACE, item=ItemId(f"item-{number:02d}")) for number in range(70)]
    patient = [policy(StockPolicy(backorder_limit=None), at) for at in places]
    store.commit(changes(stock_change("p-1", *patient), commit="c-0"))
    waiting = [allocation(0, 1, line=f"{index}", place=at) for index, at in enumerate(places)]
    store.commit(changes(stream_change(ONE, reserved(ONE, *waiting)), commit="c-1"))
    lines = stock_change("r-1", *(received(1, at) for at in places))
    assert (ONE,) == store.commit(changes(lines, commit="c-2")).woken
    rows = store.counters([at.item for at in reversed(places)])
    assert places == list(rows)
    assert {(1, 1, 0)} == {(row.on_hand, row.reserved, row.queued) for row in rows.values()}


def test_one_place_of_many_that_lacks_a_unit_refuses_all(store: SqliteStore) -> None:
    """The error names the place, wherever it stands among the others."""
    places = [evolve(PLACE, item=ItemId(f"item-{number}")) for number in range(4)]
    lines = stock_change("r-1", *(received(1, at) for at in places if at is not places[2]))
    store.commit(changes(lines, commit="c-1"))
    before = dump(store)
    wanted = [allocation(line=f"{index}", place=at) for index, at in enumerate(places)]
    with pytest.raises(OutOfStockError) as caught:
        store.commit(changes(stream_change(ONE, reserved(ONE, *wanted)), commit="c-2"))
    assert [places[2].item] == [shortage.item for shortage in caught.value.lines]
    assert before == dump(store)


# --- opening ------------------------------------------------------------------------------------


def test_what_was_written_is_there_after_opening_again(store: SqliteStore, path: Path) -> None:
    """Another store over the same file tells the same."""
    fill(store)
    before = dump(store)
    store.close()
    again = SqliteStore(path)
    assert before == dump(again)
    again.close()


def test_the_log_is_synced_at_every_commit(path: Path) -> None:
    """Write-ahead log and synchronous FULL, on every connection."""
    pool = Pool(path, busy_timeout=1)
    with pool.connection() as one, pool.connection() as two:
        for connection in (one, two):
            assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()
            assert (2,) == connection.execute("PRAGMA synchronous").fetchone()
    pool.close()


@pytest.mark.parametrize(
    "path", ["", ":memory:", "file:shop.db?mode=memory", "a\0b", None, 7, b"shop.db"], ids=repr
)
def test_a_path_that_is_no_file_is_refused(path: Any) -> None:  # noqa: ANN401 - it is bad on purpose
    """Each connection would have its own database, or it is no path at all."""
    with pytest.raises(UnusablePathError):
        SqliteStore(path)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """The path is to be put right: to retry would not help."""
    with pytest.raises(UnusablePathError, match="the path is a folder"):
        SqliteStore(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The path is to be put right: to retry would not help."""
    with pytest.raises(UnusablePathError):
        SqliteStore(tmp_path / "nowhere" / "shop.db")


def test_a_file_that_is_no_database_is_told(path: Path) -> None:
    """A text file stays as it is."""
    path.write_text("not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreBrokenError, match="give the path of a new file"):
        SqliteStore(path)
    assert path.read_text().startswith("not a database")


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX oc_streams_due",
        "ALTER TABLE oc_stock ADD COLUMN colour TEXT",
        "ALTER TABLE oc_claims RENAME COLUMN owner TO holder",
        "DROP TABLE oc_series",
        "CREATE TABLE oc_future (a INTEGER)",
    ],
)
def test_another_schema_is_refused_when_opened(store: SqliteStore, path: Path, change: str) -> None:
    """A missing, different or unknown table stops at once, not at the first order."""
    store.close()
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.close()
    with pytest.raises(SchemaMismatchError):
        SqliteStore(path)


def test_the_hosts_own_tables_are_left_alone(path: Path) -> None:
    """A file may hold other tables beside ours."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE products (id INTEGER)")
    connection.close()
    store = SqliteStore(path)
    fill(store)
    store.close()
    SqliteStore(path).close()


def test_many_open_a_new_file_at_once(path: Path) -> None:
    """The tables are made once."""
    errors: list[OrderCoreError] = []

    def open_it() -> None:
        try:
            SqliteStore(path).close()
        except OrderCoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == errors


def _a_writer_to(path: Path) -> sqlite3.Connection:
    """Somebody who writes to a file that is not in WAL yet, and does not commit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE products (id INTEGER)")
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_opening_waits_for_a_writer(path: Path) -> None:
    """``busy_timeout`` holds for the opening too, where SQLite itself does not wait."""
    writer = _a_writer_to(path)
    committing = threading.Timer(0.2, writer.execute, ["COMMIT"])
    committing.start()
    store = SqliteStore(path, busy_timeout=30)
    committing.join()
    fill(store)
    store.close()
    writer.close()


def test_opening_does_not_wait_for_ever(path: Path) -> None:
    """A writer that stays: `StoreBusyError`, and the file opens as soon as it is gone."""
    writer = _a_writer_to(path)
    with pytest.raises(StoreBusyError):
        SqliteStore(path, busy_timeout=0.05)
    writer.execute("COMMIT")
    writer.close()
    SqliteStore(path, busy_timeout=0.05).close()


def _writes_what_is_old(pool: Pool) -> None:
    """Somebody has written since it was read."""
    write = "INSERT INTO oc_series VALUES (?, 1)"
    with pool.connection() as late, pool.connection() as first:
        late.execute("BEGIN")
        late.execute("SELECT * FROM oc_series").fetchall()
        first.execute(write, ["first"])
        late.execute(write, ["late"])


def test_every_kind_of_busy_is_one_to_retry_after(path: Path) -> None:
    """SQLite tells why it is busy in the upper bits of its code: here, what was read is old."""
    SqliteStore(path).close()
    pool = Pool(path, busy_timeout=0.05)
    with pytest.raises(StoreBusyError) as caught:
        _writes_what_is_old(pool)
    cause = caught.value.__cause__
    assert isinstance(cause, sqlite3.OperationalError)
    assert sqlite3.SQLITE_BUSY_SNAPSHOT == cause.sqlite_errorcode
    pool.close()


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    """Closing twice is fine, using it is not."""
    store.close()
    store.close()
    with pytest.raises(StoreClosedError):
        store.streams()


# --- sharing ------------------------------------------------------------------------------------


def test_who_does_not_get_the_lock_learns_to_retry(path: Path) -> None:
    """A foreign writer holds the file: `StoreBusyError`, with its cause, and nothing is lost."""
    store = SqliteStore(path, busy_timeout=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    wanted = changes(stream_change(ONE, note()), commit="c-1", key="k-1")
    with pytest.raises(StoreBusyError) as caught:
        store.commit(wanted)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert () == store.streams()
    holder.execute("ROLLBACK")
    holder.close()
    store.commit(wanted)
    assert (ONE,) == store.streams()
    store.close()


def _buy(path: Path, number: int, results: multiprocessing.SimpleQueue[str]) -> None:
    store = SqliteStore(path, busy_timeout=30)
    stream = StreamId(f"o-{number}")
    try:
        store.commit(
            changes(stream_change(stream, placed(stream), reserved(stream)), commit=f"c {number}")
        )
        results.put("bought")
    except OutOfStockError:
        results.put("sold out")


def test_processes_share_one_file(store: SqliteStore, path: Path) -> None:
    """Four processes, two units: exactly two are sold, numbers 1 and 2."""
    store.commit(changes(stock_change("r-1", received(2)), commit="c-1"))
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    workers = [context.Process(target=_buy, args=(path, n, results)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    answers = sorted(results.get() for _ in workers)
    assert ["bought", "bought", "sold out", "sold out"] == answers
    assert [] == broken_promises(store, store.streams())
    numbers = {getattr(store.load(one).tail[0], "number", None) for one in store.streams()}
    assert {"ORD-000001", "ORD-000002"} == numbers


def _place_for_ever(path: Path, ready: multiprocessing.SimpleQueue[int]) -> None:
    store = SqliteStore(path)
    number = 0
    while True:
        number += 1
        stream = StreamId(f"o-{number:06d}")
        events = (placed(stream), reserved(stream))
        store.commit(changes(stream_change(stream, *events), commit=f"c {number}"))
        ready.put(number)


def test_a_killed_process_leaves_whole_commits(store: SqliteStore, path: Path) -> None:
    """SIGKILL in the middle of the work: what was acknowledged is there, and nothing is half."""
    store.commit(changes(stock_change("r-1", received(10**6)), commit="c-0"))
    context = multiprocessing.get_context("spawn")
    ready: multiprocessing.SimpleQueue[int] = context.SimpleQueue()
    worker = context.Process(target=_place_for_ever, args=(path, ready))
    worker.start()
    acknowledged = max(ready.get() for _ in range(25))
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(30)
    streams = store.streams(limit=10_000)
    assert len(streams) >= acknowledged
    numbers = [getattr(store.load(stream).tail[0], "number", None) for stream in streams]
    assert [f"ORD-{n:06d}" for n in range(1, len(streams) + 1)] == numbers
    assert [] == broken_promises(store, streams)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_opens_its_own_connections(store: SqliteStore) -> None:
    """After a fork nothing of the parent's is used: SQLite forbids it."""
    store.commit(changes(stream_change(ONE, note()), commit="c-1"))
    child = os.fork()
    if child == 0:
        try:
            store.commit(changes(stream_change(StreamId("o-2"), note()), commit="c-2"))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the exit code tells the parent
            os._exit(1)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    store.commit(changes(stream_change(StreamId("o-3"), note()), commit="c-3"))
    assert ("o-1", "o-2", "o-3") == store.streams()


# --- time ---------------------------------------------------------------------------------------


def test_recorded_times_never_run_backwards(path: Path) -> None:
    """Within a stream, even when the machine's clock is set back; deadlines use the real time."""
    times = [NOON, NOON - timedelta(hours=1), NOON - timedelta(hours=1), NOON]
    clock = iter(times)
    store = SqliteStore(path, clock=lambda: next(clock))
    store.commit(changes(stream_change(ONE, note()), commit="c-1"))
    late = evolve(stream_change(ONE, note(), after=1), seen_wakes=9)
    done = store.commit(changes(late, commit="c-2"))
    assert NOON == done.recorded_at == store.load(ONE).recorded_at
    assert NOON - timedelta(hours=1) == store.load(ONE).due_at
    other = store.commit(changes(stream_change(StreamId("o-2"), note()), commit="c-3"))
    assert NOON - timedelta(hours=1) == other.recorded_at
    store.close()


def test_times_keep_their_microseconds(store: SqliteStore) -> None:
    """No instant is rounded by the file, from the year 1 to the year 9999."""
    for number, due_at in enumerate(
        [
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        ]
    ):
        stream = StreamId(f"o-{number}")
        change = evolve(stream_change(stream, note()), due_at=due_at)
        store.commit(changes(change, commit=f"c-{number}"))
        assert due_at == store.load(stream).due_at


# --- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE oc_commits SET events = '[]' WHERE seq = 2", CorruptStreamError),
        ("UPDATE oc_commits SET events = substr(events, 1, 40) WHERE seq = 2", DecodeError),
        (
            "UPDATE oc_commits SET events = replace(events, 'NoteAdded', 'Nope')",
            UnknownEventTypeError,
        ),
        ("UPDATE oc_commits SET events = replace(events, '\"text\"', '\"txt\"')", DecodeError),
        ("UPDATE oc_commits SET version = 3 WHERE seq = 2", CorruptStreamError),
        ("UPDATE oc_commits SET version = 1 WHERE seq = 2", CorruptStreamError),
        ("UPDATE oc_commits SET stream = 'o-9' WHERE seq = 2", CorruptStreamError),
        ("UPDATE oc_streams SET version = 5", CorruptStreamError),
        ("UPDATE oc_streams SET version = 1", CorruptStreamError),
        ("DELETE FROM oc_commits WHERE seq = 1", CorruptStreamError),
    ],
)
def test_damaged_facts_are_not_believed(
    store: SqliteStore, path: Path, statement: str, error: type[OrderCoreError]
) -> None:
    """A gap, a fact twice, truncated or foreign text: an error, no half state (ABUSE 59-62)."""
    for version in range(3):
        change = stream_change(ONE, note(str(version)), after=version)
        store.commit(changes(change, commit=f"c-{version}"))
    tamper(path, statement)
    with pytest.raises(error):
        store.load(ONE)


def test_swapped_facts_are_not_believed(store: SqliteStore, path: Path) -> None:
    """Two commits of different length that changed places."""
    store.commit(changes(stream_change(ONE, note("a")), commit="c-1"))
    store.commit(changes(stream_change(ONE, note("b"), note("c"), after=1), commit="c-2"))
    tamper(path, "UPDATE oc_commits SET version = 4 - version")
    with pytest.raises(CorruptStreamError):
        store.load(ONE)


def test_a_damaged_stream_does_not_block_the_others(store: SqliteStore, path: Path) -> None:
    """It is still found among what is due, and can be set aside by name."""
    for number in (1, 2):
        change = evolve(stream_change(StreamId(f"o-{number}"), note()), due_at=NOON)
        store.commit(changes(change, commit=f"c-{number}"))
    tamper(path, "UPDATE oc_commits SET events = '!' WHERE stream = 'o-1'")
    assert ("o-1", "o-2") == store.take_due(limit=9, lease=timedelta(0))
    assert 1 == store.failed(ONE, error="cannot be read", back_off=(timedelta(days=1),))
    assert ("o-2",) == store.take_due(limit=9, lease=timedelta(0))
    assert 1 == store.load(StreamId("o-2")).version


def _ledger(store: SqliteStore) -> object:
    return list(store.ledger())


def _commit(store: SqliteStore) -> object:
    return store.find_commit(CommitId("c-1"))


def _party(store: SqliteStore) -> object:
    return store.party(PartyId("p-1"), 1)


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE oc_ledger SET kind = 'vanish'", _ledger),
        ("UPDATE oc_ledger SET quantity = 0", _ledger),
        ("UPDATE oc_commits SET woken = '{}'", _commit),
        ("UPDATE oc_parties SET data = '{\"id\":1}'", _party),
    ],
)
def test_damaged_rows_are_not_believed(
    store: SqliteStore, path: Path, statement: str, read: Callable[[SqliteStore], object]
) -> None:
    """A broken contract, not a mistake of the caller."""
    fill(store)
    tamper(path, statement)
    with pytest.raises((CorruptStreamError, DecodeError)):
        read(store)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE oc_snapshots SET state = '{'",
        'UPDATE oc_snapshots SET state = replace(state, \'"shape":"\', \'"shape":"0\')',
    ],
)
def test_a_snapshot_of_another_shape_is_ignored(
    store: SqliteStore, path: Path, statement: str
) -> None:
    """The facts are read from the beginning instead."""
    fill(store)
    whole = store.load(ONE)
    tamper(path, statement)
    stored = store.load(ONE)
    assert (None, 0, 3) == (stored.snapshot, stored.snapshot_version, len(stored.tail))
    assert replay(stored.tail) == replay(whole.tail, whole.snapshot)


# --- privacy and safety -------------------------------------------------------------------------


def test_erased_data_are_gone_from_the_files(store: SqliteStore, path: Path) -> None:
    """Not only unreachable: neither the file nor its log holds them any more (ABUSE 74)."""

    def files() -> bytes:
        return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))

    fill(store)
    assert CANARY.encode() in files()
    assert 1 == store.erase(PartyId("p-1"))
    assert CANARY.encode() not in files()


def test_nothing_in_the_file_can_be_executed(store: SqliteStore, path: Path) -> None:
    """Rows are text and whole numbers: no pickle, no path of a class, no code (ABUSE 62)."""
    fill(store)
    connection = sqlite3.connect(path)
    tables = [name for name, statement in SCHEMA.items() if "CREATE TABLE" in statement]
    for table in tables:
        for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - our own names
            assert {type(value) for value in row} <= {str, int, type(None)}
            assert "ordercore." not in str(row)
    triggers = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
    assert (0,) == triggers.fetchone()
    connection.close()


def test_a_long_stream_is_read_from_its_snapshot(store: SqliteStore) -> None:
    """Load reads the snapshot and the tail, not the facts before them."""
    fill(store)
    stored = store.load(ONE)
    assert (2, 3, 1) == (stored.snapshot_version, stored.version, len(stored.tail))


def test_the_bound_is_kept_by_the_statement_itself(store: SqliteStore, path: Path) -> None:
    """A row that another program changed is judged as it stands now, not as it was read."""
    fill(store)
    tamper(path, "UPDATE oc_stock SET reserved = on_hand")
    with pytest.raises(OutOfStockError):
        store.commit(changes(stream_change(StreamId("o-2"), reserved(StreamId("o-2"))), commit="c"))
    assert 5 == store.counters([ITEM])[PLACE].reserved


def test_keys_are_unique_in_the_file_too(store: SqliteStore, path: Path) -> None:
    """Whatever writes there, a key stands once."""
    fill(store)
    with pytest.raises(sqlite3.IntegrityError):
        tamper(path, "UPDATE oc_commits SET key = 'k-2' WHERE seq = 1")
    assert store.find_key(Key("k-2")) is not None
