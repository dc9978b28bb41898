"""Claims, what came back for them, and appeals, over HTTP."""

from marshmallow import Schema, fields, validate

from billing.insurance.rules.claim_checks import MOST_REFERENCE
from billing.insurance.rules.claims import LONGEST_SENT_REASON
from billing.insurance.rules.cms1500 import MOST_OFFSET
from billing.insurance.rules.denials import next_step
from billing.insurance.schemas import NamedDiagnoses, NamedWishes, PapersQuery, PaperView
from billing.insurance.states import ClaimMark, ClaimState
from billing.platform.http.fields import Cents, LocalDate, Moment, StrictSchema, Text
from billing.platform.http.pages import page_args


class IssueClaim(NamedDiagnoses, NamedWishes):
    """Without `diagnoses` those of the claim are taken, or else of a superbill of the visit or its plan.

    Who referred and who is paid are as the superbill says; they are told here only where there is none.
    """


class VoidClaim(StrictSchema):
    """`payer_claim_number` is the payer's own; without it that of its latest answer is taken."""

    payer_claim_number = Text(max=MOST_REFERENCE, load_default=None)


class CorrectClaim(IssueClaim, VoidClaim):
    """As the facts stand now; without `diagnoses` those of the claim stay."""


class MarkFiled(StrictSchema):
    """`sent_on` is the clinic's day on which a person sent it; without it, today.

    Of a claim that would be refused by now a `reason` says why it went out all the same: it is kept sealed.
    """

    sent_on = LocalDate(load_default=None)
    reason = Text(max=LONGEST_SENT_REASON, load_default=None)


class MarkClaim(StrictSchema):
    """`event` is what a person did about the claim, or learned of it."""

    event = fields.Enum(ClaimMark, by_value=True, required=True)


class ClaimsQuery(PapersQuery, page_args("clm")):  # type: ignore[misc]
    """Those in one state, or all."""

    state = fields.Enum(ClaimState, by_value=True, load_default=None)


class ClaimView(PaperView):
    """`frequency` is 1 for a claim, 7 for one that replaces another, 8 for one that takes another back.

    `file_by` is the last day on which the plan takes it, when that is known.
    """

    frequency = fields.String()
    original_reference = fields.String(allow_none=True)
    file_by = LocalDate(allow_none=True)
    filed_at = Moment(allow_none=True)
    file_id = fields.String(allow_none=True)


class PaperQuery(StrictSchema):
    """Points by which the printer needs the data moved to the right and down; `view` is for the screen."""

    right = fields.Integer(load_default=0, validate=validate.Range(-MOST_OFFSET, MOST_OFFSET))
    down = fields.Integer(load_default=0, validate=validate.Range(-MOST_OFFSET, MOST_OFFSET))
    view = fields.Boolean(load_default=False)


class AnswerReasonView(Schema):
    """A positive amount reduces the payment; `procedure` is empty for the claim as a whole."""

    group = fields.String()
    code = fields.String()
    amount_cents = Cents(attribute="amount")
    procedure = fields.String()


class ClaimAnswerView(Schema):
    """`status` is CLP02; `reasons` are claim adjustments, `remarks` remark codes.

    `next_step` is what a denial calls for, such as `correct` or `prove_filing`; null when it denies nothing.
    """

    remittance_id = fields.String()
    payer_name = fields.String()
    trace = fields.String()
    paid_on = LocalDate()
    received_at = Moment()
    status = fields.String()
    outcome = fields.String(allow_none=True)
    payer_claim_number = fields.String()
    charge_cents = Cents(attribute="charge")
    paid_cents = Cents(attribute="paid")
    patient_share_cents = Cents(attribute="patient_share")
    next_step = fields.Function(next_step, metadata={"type": ["string", "null"]})
    reasons = fields.List(fields.Nested(AnswerReasonView))
    remarks = fields.List(fields.String())


class ClaimAnswersView(Schema):
    items = fields.List(fields.Nested(ClaimAnswerView))


class WriteAppeal(StrictSchema):
    """Nothing is asked for."""


class AppealLetterView(Schema):
    """`version` counts the letters of a claim from 1."""

    id = fields.String()
    claim_id = fields.String()
    version = fields.Integer()
    sha256 = fields.String()
    written_at = Moment()


class AppealLettersView(Schema):
    items = fields.List(fields.Nested(AppealLetterView))


class ClaimNoticeView(Schema):
    """`kind` is 999 (the form of the file) or 277CA (the claim)."""

    id = fields.String()
    kind = fields.String()
    verdict = fields.String()
    codes = fields.List(fields.String())
    payer_claim_number = fields.String()
    received_at = Moment()


class ClaimNoticesView(Schema):
    items = fields.List(fields.Nested(ClaimNoticeView))


class AcknowledgedClaimView(Schema):
    """`named` is what the file calls it by; `status` is moved, noted, duplicate or unmatched."""

    segment = fields.Integer()
    named = fields.String()
    number = fields.String(allow_none=True)
    kind = fields.String()
    verdict = fields.String()
    codes = fields.List(fields.String())
    status = fields.String()
    state = fields.String(allow_none=True)


class AcknowledgedFileView(Schema):
    """`status` is taken, duplicate, unmatched (some of it) or, at the command line, refused."""

    name = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    claims = fields.List(fields.Nested(AcknowledgedClaimView))


class ClaimFileView(Schema):
    """A file of claims, by the control number of its interchange (ISA13)."""

    id = fields.String()
    control_number = fields.Integer()
    receiver_id = fields.String()
    made_at = Moment()
    charge_cents = Cents(attribute="charge")
    claims = fields.List(fields.Nested(ClaimView))
