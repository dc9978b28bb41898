"""Insurers' files that staff sent and never posted do not stay."""

from datetime import timedelta

import pytest

from billing.insurance.errors import NoSuchUpload
from billing.insurance.queries.remittance_uploads import content_of_upload
from billing.insurance.use_cases.remittance_uploads import forget_uploads, keep_upload
from billing.kernel.permissions import SYSTEM


def test_a_file_that_nobody_posts_is_gone_after_a_day_though_no_other_is_sent(database, do, now):
    upload_id = do(keep_upload, content=b"ISA", by=SYSTEM)
    do(forget_uploads, at=now + timedelta(days=1))
    with database.reading() as read:
        assert content_of_upload(read, upload_id, SYSTEM) == b"ISA"
    do(forget_uploads, at=now + timedelta(days=1, seconds=1))
    with database.reading() as read, pytest.raises(NoSuchUpload):
        content_of_upload(read, upload_id, SYSTEM)
