"""Letters that ask patients to choose, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.platform.http.fields import LocalDate, Moment, StrictSchema
from billing.platform.http.pages import page_args


class ChoiceLettersQuery(page_args("clt")):  # type: ignore[misc]
    pass


class ChoiceLetterView(Schema):
    """`sent_at` is when a mail server took it, or when a person had posted it."""

    id = fields.String()
    patient_id = fields.String()
    kind = fields.String()
    state = fields.String()
    written_on = LocalDate()
    sent_at = Moment(allow_none=True)


class PaperLetterView(Schema):
    """`sha256` is that of the body's canonical JSON: of what was posted, or of what would be printed now."""

    letter = fields.Nested(ChoiceLetterView)
    can_be_posted = fields.Boolean()
    body = fields.Dict()
    sha256 = fields.String()


class Posted(StrictSchema):
    """`sha256` of what was printed, so that nobody says to have posted another letter."""

    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}\Z"))
