"""Remittances over HTTP."""

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from billing.insurance.records.set_apart import SettledPart
from billing.insurance.rules.set_apart import MARK, SETTLES
from billing.insurance.states import RemittanceState
from billing.kernel.money import LARGEST_CENTS
from billing.ledger.records import Account
from billing.platform.http.fields import (
    Cents,
    LocalDate,
    Moment,
    OpaqueId,
    StrictSchema,
    Text,
    WholeNumber,
)
from billing.platform.http.pages import page_args

LONGEST_REASON = 300
MOST_APART = 1_000


class RemittancesQuery(page_args("rmt")):  # type: ignore[misc]
    """`came_again` is for those that were sent again after they were posted or set aside."""

    state = fields.Enum(RemittanceState, by_value=True, load_default=None)
    came_again = fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"})


class DecideRemittance(StrictSchema):
    """Why it is decided so; kept sealed."""

    reason = Text(max=LONGEST_REASON, required=True)


class MatchAnswer(DecideRemittance):
    """`claim_id` is of the remittance as it stands now, `session_id` the visit that the claim is about."""

    claim_id = OpaqueId("rmc", required=True)
    session_id = OpaqueId("ses", required=True)


class UnmatchAnswer(DecideRemittance):
    claim_id = OpaqueId("rmc", required=True)


class SetApart(DecideRemittance):
    """`places` are those of its adjustments, from 1; none takes it back that some are set apart.

    With the `adjustments_shown` that was seen as `shown`, 409 `adjustments-changed` once they are others.
    """

    places = fields.List(
        WholeNumber(min=1, max=MOST_APART), required=True, validate=validate.Length(max=MOST_APART)
    )
    shown = fields.String(load_default=None, validate=validate.Length(max=MARK))


class SettledPartBody(StrictSchema):
    """What the payer had kept is debited to the account, what it had given credited."""

    account = fields.String(required=True, validate=validate.OneOf([str(each) for each in SETTLES]))
    amount_cents = Cents(required=True, attribute="amount", min=1, max=LARGEST_CENTS)

    @post_load
    def to_part(self, data: dict[str, Any], **_more: object) -> SettledPart:
        return SettledPart(account=Account(data["account"]), amount=data["amount"])


class SettleApart(DecideRemittance):
    """Together the parts are all that was set apart, each above zero."""

    parts = fields.List(
        fields.Nested(SettledPartBody), required=True, validate=validate.Length(min=1, max=20)
    )


class LookAgain(StrictSchema):
    """Nothing is asked for."""


class IdIfKnown(fields.String):
    """None for who may not know of it."""

    def _serialize(self, value: str | None, attr: str | None, obj: object, **more: object) -> str | None:
        return value or None


class AnsweredClaimView(Schema):
    """`billed_cents` is what the visit was billed at, where the insurer answers another charge; where it pays
    the same charge again it is that.

    `is_part` when such answers come to a billed charge together.
    """

    id = IdIfKnown(allow_none=True)
    control_number = fields.String()
    status = fields.String()
    outcome = fields.String(allow_none=True)
    session_id = fields.String(allow_none=True)
    paid_cents = Cents(attribute="paid")
    credit_cents = Cents(attribute="credit")
    charge_cents = Cents(attribute="charge")
    billed_cents = Cents(attribute="billed", allow_none=True)
    is_part = fields.Boolean()


class TransactionView(Schema):
    """`id` is null for one of another clinic or site than that of who sent it."""

    id = IdIfKnown(allow_none=True)
    trace = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    payer_name = fields.String()
    paid_on = LocalDate()
    paid_cents = Cents(attribute="amount")
    claims = fields.List(fields.Nested(AnsweredClaimView))


class UndoneView(Schema):
    reason = fields.String()
    undone_at = Moment()
    undone_by = fields.String()


class ToldAdjustmentView(Schema):
    """`is_set_apart`: it is on 2240, since nobody could book it. `code` and `reference` are of PLB03."""

    place = fields.Integer()
    code = fields.String()
    reference = fields.String()
    amount_cents = Cents(attribute="amount")
    is_set_apart = fields.Boolean()
    may_be_set_apart = fields.Boolean()


class RemittanceView(TransactionView):
    payer_id = fields.String()
    received_at = Moment()
    is_on_paper = fields.Boolean()
    undone = fields.Nested(UndoneView, allow_none=True)
    adjustments = fields.List(
        fields.Nested(ToldAdjustmentView),
        allow_none=True,
        metadata={"description": "What the payer added (below zero) or kept; null in lists."},
    )
    adjustments_shown = fields.String(
        allow_none=True, metadata={"description": "Marks them, for who sets some apart; null in lists."}
    )


class UndoRemittance(StrictSchema):
    """`reason` stays in the clinic."""

    reason = Text(max=200, required=True)


class ImportedFileView(Schema):
    name = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    transactions = fields.List(fields.Nested(TransactionView))
    resumed = fields.List(
        fields.Nested(TransactionView),
        metadata={"description": "Of earlier files: what had waited for one of these, and is posted now."},
    )


class ImportView(Schema):
    """What `remittances import --json` prints, and what an upload is answered with."""

    files = fields.List(fields.Nested(ImportedFileView))
