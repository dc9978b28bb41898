"""Files of insurers that the worker reads and posts, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.platform.http.fields import Cents, LocalDate, Moment


class UploadPartView(Schema):
    """One transaction of the file. `expected` is what it would become, `status` what it became."""

    trace = fields.String()
    payer_name = fields.String()
    paid_on = LocalDate()
    paid_cents = Cents(attribute="amount")
    claims = fields.Integer()
    expected = fields.String(allow_none=True)
    status = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    remittance_id = fields.String(allow_none=True)


class UploadView(Schema):
    """`state` is reading, read, posting, posted or refused; `claims` is 0 until they are counted.

    `parts` are 200 at most, those first that wait for a person; all are in the list of remittances.
    """

    id = fields.String()
    state = fields.String()
    uploaded_at = Moment()
    posted_at = Moment(allow_none=True)
    claims = fields.Integer()
    claims_done = fields.Integer()
    refusal = fields.String(allow_none=True)
    parts = fields.List(fields.Nested(UploadPartView))
