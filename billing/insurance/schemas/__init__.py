from typing import Any

from marshmallow import Schema, fields, post_load, validate

from billing.insurance.records import BatchForm
from billing.insurance.records.superbills import NOBODY, ReferringProvider, Wishes
from billing.insurance.rules.claim_checks import MOST_LINES
from billing.insurance.rules.diagnoses import CODE
from billing.insurance.rules.lines import MOST_DIAGNOSES, MOST_POINTERS
from billing.insurance.rules.overrides import MARK, MOST_MODIFIERS, MOST_UNITS
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema, Text, WholeNumber
from billing.platform.http.pages import QueryLimit, page_args

MOST_FOUND = 50
USUALLY_FOUND = 20


class NamedDiagnoses(StrictSchema):
    """`diagnoses` are the provider's, as ICD-10-CM with its dot.

    `are_unrelated` is the provider's word on two that exclude each other.
    """

    diagnoses = fields.List(
        fields.String(validate=validate.Regexp(rf"^(?:{CODE.pattern})\Z")),
        load_default=(),
        validate=validate.Length(max=MOST_DIAGNOSES),
    )
    are_unrelated = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class ReferringProviderBody(StrictSchema):
    name = Text(max=100, required=True)
    npi = Text(max=10, load_default="")

    @post_load
    def to_provider(self, data: dict[str, Any], **_: Any) -> ReferringProvider:
        return ReferringProvider(**data)


class NamedWishes(StrictSchema):
    """What is left out stays as before.

    `referring_provider` null is nobody. `pays_clinic`: the patient assigned the plan's payment to the clinic.
    """

    referring_provider = fields.Nested(ReferringProviderBody, allow_none=True)
    pays_clinic = fields.Boolean(truthy={True}, falsy={False})

    @post_load
    def to_wishes(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        referring = (data.pop("referring_provider") or NOBODY) if "referring_provider" in data else None
        wishes = Wishes(
            referring_provider=referring,
            pays_clinic=data.pop("pays_clinic", None),
            with_wording=data.pop("diagnosis_wording", None),
        )
        return data | {"wishes": wishes}


class IssueSuperbill(NamedDiagnoses, NamedWishes):
    """Without `diagnoses` the usual one is taken. The rest stays as on the present version when left out.

    `diagnosis_wording`: what the diagnoses mean is written out; else their codes stand alone.
    """

    diagnosis_wording = fields.Boolean(truthy={True}, falsy={False})


class DiagnosesQuery(StrictSchema):
    """`search` is a beginning of a code or of words, `on` the day of service."""

    search = Text(min=2, max=100, required=True)
    on = LocalDate(required=True)
    limit = QueryLimit(min=1, max=MOST_FOUND, load_default=USUALLY_FOUND)


class DiagnosisView(Schema):
    code = fields.String()
    description = fields.String()
    is_billable = fields.Boolean()


class DiagnosesView(Schema):
    """`starts_on` is the first day of service of the edition that was searched."""

    starts_on = LocalDate()
    items = fields.List(fields.Nested(DiagnosisView))


class LoadedEditionView(Schema):
    """What `diagnoses load --json` prints."""

    starts_on = LocalDate()
    status = fields.String()
    codes = fields.Integer()
    billable = fields.Integer()
    new = fields.Integer()
    gone = fields.Integer()
    usual_not_billable = fields.List(fields.String())


class LoadedCodesView(Schema):
    """What `codes load --json` prints."""

    clinic = fields.String()
    starts_on = LocalDate()
    status = fields.String()
    rows = fields.Integer()


class LineAskedBody(StrictSchema):
    """`place` counts the lines from 1; what is left out stays as coded. `pointers` such as AB, or empty."""

    place = WholeNumber(min=1, max=MOST_LINES, required=True)
    code = fields.String(load_default=None, validate=validate.Length(max=5))
    units = WholeNumber(min=1, max=MOST_UNITS, load_default=None)
    modifiers = fields.List(
        fields.String(validate=validate.Length(max=2)),
        load_default=None,
        validate=validate.Length(max=MOST_MODIFIERS),
    )
    pointers = fields.String(load_default=None, validate=validate.Length(max=MOST_POINTERS))


class OverrideLines(StrictSchema):
    """All that is billed in another way than it is coded; no lines take every change back.

    With the `shown` of the lines that were looked at, 409 `lines-changed` once they are others.
    """

    lines = fields.List(fields.Nested(LineAskedBody), required=True, validate=validate.Length(max=MOST_LINES))
    reason = Text(max=500, required=True)
    shown = fields.String(load_default=None, validate=validate.Length(max=MARK))


class CodingStepView(Schema):
    """`rule` is an id, as in the explanation of a price; `text` says it in words."""

    rule = fields.String()
    text = fields.String()


class CodedLineView(Schema):
    """`pointers` are empty while the line points to the first four diagnoses."""

    code = fields.String()
    units = fields.Integer()
    modifiers = fields.List(fields.String())
    pointers = fields.String()
    description = fields.String()
    charge_cents = Cents(attribute="charge", min=0)
    explanation = fields.List(fields.Nested(CodingStepView), attribute="steps")


class LineOverrideView(Schema):
    version = fields.Integer()
    reason = fields.String()
    written_by = fields.String()
    written_at = Moment()


class CodingView(Schema):
    """`coded` are the lines by the clock, `billed` as staff bill them; they differ by the `override` alone.

    While it `is_stale`, made for other lines than are coded now, nothing is billed. `shown` marks the lines.
    """

    coded = fields.List(fields.Nested(CodedLineView))
    billed = fields.List(fields.Nested(CodedLineView))
    not_coded = fields.List(fields.Nested(CodingStepView))
    override = fields.Nested(LineOverrideView, allow_none=True)
    is_stale = fields.Boolean()
    shown = fields.String()


class VoidSuperbill(StrictSchema):
    """Nothing is asked for."""


class PapersQuery(StrictSchema):
    """`from` and `to` are days of service, both included."""

    patient_id = OpaqueId("pat", load_default=None)
    starts_on = LocalDate(data_key="from", load_default=None)
    ends_on = LocalDate(data_key="to", load_default=None)


class SuperbillsQuery(PapersQuery, page_args("sb")):  # type: ignore[misc]
    """All of them, by patient and day of service."""


class SuperbillsOfBatch(StrictSchema):
    """`from` and `to` are days of service, both included."""

    patient_id = OpaqueId("pat", load_default=None)
    starts_on = LocalDate(data_key="from", load_default=None)
    ends_on = LocalDate(data_key="to", load_default=None)


class LeftOutView(Schema):
    id = fields.String(attribute="superbill.id")
    number = fields.String(attribute="superbill.number")
    version = fields.Integer(attribute="superbill.version")
    why = fields.String()


class BatchView(Schema):
    """`count` are in it. A task says what to do about each that is `left_out`."""

    count = fields.Integer()
    left_out = fields.List(fields.Nested(LeftOutView))


class SuperbillBatchQuery(SuperbillsOfBatch):
    """`format` is one PDF, or a ZIP of one each."""

    format = fields.Enum(BatchForm, by_value=True, load_default=BatchForm.PDF)


class PaperView(Schema):
    id = fields.String()
    number = fields.String()
    version = fields.Integer()
    state = fields.String()
    supersedes_id = fields.String(allow_none=True)
    session_id = fields.String()
    patient_id = fields.String()
    control_number = fields.String()
    service_on = LocalDate()
    charge_cents = Cents(attribute="charge")
    paid_cents = Cents(attribute="paid", min=0)
    sha256 = fields.String()
    issued_at = Moment()


class SuperbillView(PaperView):
    """A version of a superbill."""
