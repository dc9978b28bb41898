"""Insurers' files that staff sent and never posted do not stay."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from billing.insurance.errors import NoSuchUpload
from billing.insurance.models.remittances import RemittanceUploadRow
from billing.insurance.queries.remittance_uploads import content_of_upload, find_upload
from billing.insurance.states import UploadState
from billing.insurance.use_cases.remittance_uploads import (
    finish_upload,
    forget_uploads,
    keep_upload,
    order_posting,
)
from billing.kernel.errors import IllegalMove
from billing.kernel.permissions import SYSTEM


def test_a_file_that_nobody_posts_is_gone_after_a_day_though_no_other_is_sent(database, do, now):
    upload_id = do(keep_upload, content=b"ISA", claims=1, by=SYSTEM).id
    do(forget_uploads, at=now + timedelta(days=1))
    with database.reading() as read:
        assert content_of_upload(read, upload_id, SYSTEM) == b"ISA"
    do(forget_uploads, at=now + timedelta(days=1, seconds=1))
    with database.reading() as read, pytest.raises(NoSuchUpload):
        content_of_upload(read, upload_id, SYSTEM)


def test_what_is_ordered_in_the_moment_in_which_old_ones_go_is_kept(database, do, ask, now):
    if not database.has_many_writers:
        pytest.skip("SQLite has one writer")
    upload_id = do(keep_upload, content=b"ISA", claims=1, by=SYSTEM).id

    def order(tx):
        order_posting(tx, upload_id=upload_id, actor=SYSTEM, now=now)
        do(forget_uploads, at=now + timedelta(days=2))

    database.in_transaction(order)
    assert ask(find_upload, upload_id, SYSTEM).state is UploadState.POSTING


def test_what_another_tab_finished_meanwhile_is_not_finished_again(database, do, now):
    upload_id = do(keep_upload, content=b"ISA", claims=1, by=SYSTEM).id

    def both(tx):
        seen = tx.session.get_one(RemittanceUploadRow, upload_id)
        elsewhere = text("UPDATE remittance_upload SET state = 'posted', sealed = NULL")
        tx.connection.execute(elsewhere)
        finish_upload(tx, upload_id=seen.id, became=[], actor=SYSTEM, now=now)

    with pytest.raises(IllegalMove):
        database.in_transaction(both)
