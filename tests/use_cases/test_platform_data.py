"""The foundations: transactions, jobs, the audit chain, frozen documents, numbers without gaps."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.exc import DatabaseError

from billing.kernel.clock import system_clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.audit import record_audit, seal_audit_rows, verify_chain
from billing.platform.data.database import Turns, Tx
from billing.platform.data.documents import (
    canonical_json,
    find_document,
    find_rendering,
    freeze,
    store_rendering,
)
from billing.platform.data.engines import engine_options
from billing.platform.data.errors import KeyReused, VaultClosed
from billing.platform.data.idempotency import Answer, find_answer, keep_answer
from billing.platform.data.jobs import Job, Recurring, Worker, enqueue, queue_report
from billing.platform.data.selects import row_where, rows_among, rows_where
from billing.platform.data.series import NumberSeries, next_number
from billing.platform.data.vault import Vault

# --- transactions --------------------------------------------------------------------------------------


class Stop(Exception):
    pass


def test_what_fails_leaves_nothing_behind(database):
    def half(tx):
        next_number(tx, entity_id="ent_1", series="invoice")
        raise Stop

    with pytest.raises(Stop):
        database.in_transaction(half)
    assert database.in_transaction(lambda tx: next_number(tx, entity_id="ent_1", series="invoice")) == 1


def test_a_rehearsal_answers_and_changes_nothing(database):
    def work(tx):
        return next_number(tx, entity_id="ent_1", series="invoice")

    assert database.rehearse(work) == 1
    assert database.in_transaction(work) == 1


def test_a_reader_cannot_write(database):
    with pytest.raises(DatabaseError), database.reading() as read:
        next_number(Tx(read.connection, read.vault, {}), entity_id="ent_1", series="invoice")


def test_a_reader_sees_one_state_while_others_write(database):
    def draw(tx):
        return next_number(tx, entity_id="ent_1", series="invoice")

    database.in_transaction(draw)
    with database.reading() as read:
        before = [row.last for row in rows_where(read, NumberSeries, entity_id="ent_1")]
        assert database.in_transaction(draw) == 2
        assert [row.last for row in rows_where(read, NumberSeries, entity_id="ent_1")] == before == [1]


def test_rows_without_objects_show_what_the_session_has_yet_to_write(database):
    def work(tx):
        next_number(tx, entity_id="ent_1", series="invoice")
        tx.session.get_one(NumberSeries, ("ent_1", "invoice")).last = 41
        alone = row_where(tx, NumberSeries, entity_id="ent_1", series="invoice")
        among = rows_among(tx, NumberSeries, "entity_id", ["ent_1", "ent_2"])
        nobody = rows_among(tx, NumberSeries, "entity_id", [])
        assert row_where(tx, NumberSeries, entity_id="ent_2", series="invoice") is None
        return alone.last, [row.last for row in among], nobody

    assert database.in_transaction(work) == (41, [41], [])


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://nobody@127.0.0.1/nothing"])
def test_an_error_of_the_database_shows_no_value_to_the_log(url):
    engine = create_engine(url, **engine_options(url))
    assert engine.hide_parameters
    error = DatabaseError("INSERT", {"name": "Maria"}, Exception(), hide_parameters=engine.hide_parameters)
    assert "Maria" not in str(error)


def test_subscribers_act_before_the_commit_first_in_first_out(own_database):
    database, heard = own_database, []
    database.subscribe(str, lambda tx, fact: (heard.append(fact), tx.emit(7) if fact == "first" else None))
    database.subscribe(int, lambda tx, fact: heard.append(fact))

    def work(tx):
        tx.emit("first")
        tx.emit("second")

    database.in_transaction(work)
    assert heard == ["first", "second", 7]


def cut(connection):
    """What a restart of the server, or a proxy between, does to a connection."""
    connection.connection.driver_connection.close()


def test_a_connection_that_died_in_the_pool_costs_nobody_their_write(database):
    with database.write_engine.connect() as connection:
        cut(connection)
    assert database.in_transaction(lambda tx: next_number(tx, entity_id="ent_1", series="invoice")) == 1


def test_a_reader_does_not_meet_a_connection_that_died_in_the_pool(database):
    with database.reading() as read:
        hung_up = read.connection.connection.driver_connection
    hang_up(database, hung_up)
    with database.reading() as read:
        assert rows_where(read, NumberSeries, entity_id="ent_1") == []


def hang_up(database, connection):
    """The server ends a connection while it rests in the pool; a file has no server that could."""
    if database.write_engine.dialect.name == "postgresql":
        end = f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)"
        assert database.in_transaction(lambda tx: tx.connection.exec_driver_sql(end).scalar_one())


def test_work_whose_connection_is_lost_on_the_way_is_done_once(database):
    tries = []

    def work(tx):
        number = next_number(tx, entity_id="ent_1", series="invoice")
        tries.append(number)
        if len(tries) == 1:
            cut(tx.connection)
        return next_number(tx, entity_id="ent_1", series="receipt"), number

    assert database.in_transaction(work) == (1, 1)
    assert tries == [1, 1]


def test_what_may_have_been_committed_is_not_done_again(database):
    tries = []

    def work(tx):
        tries.append(next_number(tx, entity_id="ent_1", series="invoice"))
        cut(tx.connection)

    with pytest.raises(DatabaseError):
        database.in_transaction(work)
    assert tries == [1]


def test_forty_numbers_drawn_at_once_have_no_gap_and_no_double(database):
    def draw(_):
        return database.in_transaction(lambda tx: next_number(tx, entity_id="ent_1", series="invoice"))

    with ThreadPoolExecutor(8) as clerks:
        assert sorted(clerks.map(draw, range(40))) == list(range(1, 41))


# --- jobs ----------------------------------------------------------------------------------------------


def queue(database, now, **kinds):
    def write(tx):
        for kind, keys in kinds.items():
            for key in keys:
                enqueue(tx, kind=kind, key=key, due_at=now, payload={"id": key})

    database.in_transaction(write)


def test_a_job_is_done_once_however_often_it_is_enqueued(database, now):
    queue(database, now, mail=["a", "a", "b"])
    done = []
    worker = Worker(database, lambda: now, {"mail": lambda task: done.append(task.key)})
    assert worker.run_once() == 2
    queue(database, now, mail=["a"])
    assert worker.run_once() == 0
    assert done == ["a", "b"]


def test_a_job_whose_worker_died_is_taken_again_when_its_lease_ends(database, now):
    queue(database, now, mail=["a"])

    def die(_task):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker(database, lambda: now, {"mail": die}).run_once()
    done = []
    worker = Worker(database, lambda: now, {"mail": lambda task: done.append(task.key)})
    assert worker.run_once() == 0
    database.in_transaction(lambda tx: tx.session.execute(update(Job).values(held_until=system_clock())))
    assert worker.run_once() == 1
    assert done == ["a"]


def test_a_worker_that_outlives_its_lease_does_not_finish_the_job_of_another(database, now):
    queue(database, now, mail=["a"])

    def outlive(_task):
        take_over(database, now)

    Worker(database, lambda: now, {"mail": outlive}).run_once()
    assert state_of_job(database) == ("waiting", 2, None)


def test_a_worker_that_outlives_its_lease_does_not_put_back_the_job_of_another(database, now):
    queue(database, now, mail=["a"])

    def outlive_and_fail(_task):
        take_over(database, now)
        raise ValueError

    Worker(database, lambda: now, {"mail": outlive_and_fail}).run_once()
    assert state_of_job(database) == ("waiting", 2, None)


def test_a_job_that_another_has_done_stays_done_when_the_slow_worker_fails(database, now):
    queue(database, now, mail=["a"])

    def outlive_and_fail(_task):
        end_leases(database)
        Worker(database, lambda: now, {"mail": lambda _: None}).run_once()
        raise ValueError

    Worker(database, lambda: now, {"mail": outlive_and_fail}).run_once()
    assert state_of_job(database) == ("done", 2, None)


def end_leases(database):
    database.in_transaction(lambda tx: tx.session.execute(update(Job).values(held_until=system_clock())))


def take_over(database, now):
    """Another worker takes the job when its lease has ended, and is still at it."""

    def die(_task):
        raise KeyboardInterrupt

    end_leases(database)
    with pytest.raises(KeyboardInterrupt):
        Worker(database, lambda: now, {"mail": die}).run_once()


def state_of_job(database):
    with database.reading() as read:
        job = read.session.scalars(select(Job)).one()
        return job.state, job.attempts, job.last_error


def test_a_job_that_keeps_failing_is_given_up_and_counted(database, now):
    queue(database, now, mail=["a"])

    def fail(_task):
        raise ValueError

    worker = Worker(database, lambda: now, {"mail": fail})
    for _ in range(12):
        assert worker.run_once() == 1
        database.in_transaction(lambda tx: tx.session.execute(update(Job).values(held_until=system_clock())))
    assert worker.run_once() == 0
    with database.reading() as read:
        assert queue_report(read, now).failed == 1


def test_recurring_work_is_enqueued_once_a_slot_however_many_workers(database, now):
    done = []
    moment = [now]
    workers = [
        Worker(
            database,
            lambda: moment[0],
            {"seal": lambda task: done.append(task.key)},
            (Recurring("seal", timedelta(minutes=5)),),
        )
        for _ in range(2)
    ]
    for _ in range(2):
        for worker in workers:
            worker.run_once()
    assert len(done) == 1
    moment[0] = now + timedelta(minutes=5)
    for worker in workers:
        worker.run_once()
    assert len(done) == 2


def test_two_workers_never_do_the_same_job(database, now):
    queue(database, now, mail=[str(number) for number in range(30)])
    done, gate = [], threading.Barrier(2)

    def work(_):
        gate.wait()
        Worker(database, lambda: now, {"mail": lambda task: done.append(task.key)}).run_once()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, range(2)))
    assert sorted(done) == sorted(str(number) for number in range(30))


# --- vault ---------------------------------------------------------------------------------------------

OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32, "old": b"o" * 32}


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=5))
def test_what_is_sealed_opens_for_its_row_alone(values):
    vault = Vault(OLD)
    sealed = vault.seal("patient", "pat_1", values)
    assert vault.open("patient", "pat_1", sealed) == values
    for table, row in (("patient", "pat_2"), ("policy", "pat_1")):
        with pytest.raises(VaultClosed):
            vault.open(table, row, sealed)


def test_a_new_key_opens_the_old_rows_and_finds_them(database):
    sealed = Vault(OLD).seal("patient", "pat_1", {"name": "Maria"})
    assert Vault(NEW).open("patient", "pat_1", sealed) == {"name": "Maria"}
    assert Vault(NEW).fingerprint("phone", "1") == Vault(OLD).fingerprint("phone", "1")
    with pytest.raises(VaultClosed):
        Vault({"other": b"x" * 32}).open("patient", "pat_1", sealed)


def test_a_sealed_value_that_was_tampered_with_does_not_open():
    sealed = bytearray(Vault(OLD).seal("patient", "pat_1", {"name": "Maria"}))
    sealed[len(sealed) // 2] ^= 1
    with pytest.raises(VaultClosed):
        Vault(OLD).open("patient", "pat_1", bytes(sealed))


# --- documents and the audit chain ---------------------------------------------------------------------


def test_a_frozen_document_is_kept_to_the_byte_and_rendered_once(database, now):
    def issue(tx):
        return freeze(tx, kind="invoice", subject_id="inv_1", version=1, body={"b": 1, "a": [2]}, now=now)

    frozen = database.in_transaction(issue)
    for content in (b"first", b"second"):
        database.in_transaction(
            lambda tx, c=content: store_rendering(
                tx, document_id=frozen.id, media_type="application/pdf", content=c, now=now
            )
        )
    with database.reading() as read:
        assert find_document(read, frozen.id) == frozen
        assert find_rendering(read, frozen.id) == b"first"
    assert canonical_json({"b": 1, "a": [2]}) == b'{"a":[2],"b":1}'
    with pytest.raises(DatabaseError):
        database.in_transaction(lambda tx: tx.session.execute(text("UPDATE document SET version = 2")))


def audited(database, now, count):
    def write(tx):
        for number in range(count):
            record_audit(tx, actor=SYSTEM, action="test", subject_id=f"sub_{number}", now=now)

    database.in_transaction(write)
    database.in_transaction(seal_audit_rows)


@pytest.mark.parametrize(
    ("tampering", "broken_at"),
    [
        ("UPDATE audit_row SET action = 'other' WHERE subject_id = 'sub_1'", 2),
        ("UPDATE audit_row SET actor_id = 'usr_x' WHERE subject_id = 'sub_2'", 3),
        ("DELETE FROM audit_seal WHERE place = 2", 2),
    ],
)
def test_an_edited_or_missing_row_breaks_the_audit_chain(database, now, tampering, broken_at):
    audited(database, now, 3)
    with database.reading() as read:
        assert verify_chain(read).broken_at is None
    behind_its_back(database, tampering)
    with database.reading() as read:
        assert verify_chain(read).broken_at == broken_at


def behind_its_back(database, statement):
    """Change the database as somebody with its password could: the triggers are off."""
    sqlite = database.write_engine.dialect.name == "sqlite"

    def tamper(tx):
        if sqlite:
            names = tx.session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
            for name in names:
                tx.session.execute(text(f"DROP TRIGGER {name}"))
        else:
            tx.session.execute(text("SET LOCAL session_replication_role = replica"))
        tx.session.execute(text(statement))

    database.in_transaction(tamper)


def test_rows_are_sealed_in_the_order_of_their_birth_and_new_ones_wait(database, now):
    audited(database, now, 2)
    database.in_transaction(
        lambda tx: record_audit(tx, actor=SYSTEM, action="test", subject_id="sub_9", now=now)
    )
    with database.reading() as read:
        report = verify_chain(read)
    assert (report.sealed, report.waiting, report.broken_at) == (2, 1, None)


# --- idempotency ---------------------------------------------------------------------------------------


def test_an_answer_is_kept_for_its_actor_key_and_request(database):
    answer = Answer(201, b'{"id":"inv_1"}')
    request = {"actor_id": "usr_1", "key": "k1", "request_sha256": "a" * 64}
    database.in_transaction(lambda tx: keep_answer(tx, **request, answer=answer))
    with database.reading() as read:
        assert find_answer(read, **request) == answer
        assert find_answer(read, **{**request, "actor_id": "usr_2"}) is None
        with pytest.raises(KeyReused):
            find_answer(read, **{**request, "request_sha256": "b" * 64})


def test_writers_of_one_process_have_their_turn_in_the_order_of_asking():
    turns, order, asked = Turns(), [], []

    def writer(number):
        asked.append(number)
        with turns:
            order.append(number)

    with ThreadPoolExecutor(6) as writers, turns:
        waiting = []
        for number in range(6):
            waiting.append(writers.submit(writer, number))
            while len(turns._waiting) <= number:
                pass
    for each in waiting:
        each.result()
    assert order == asked == list(range(6))
