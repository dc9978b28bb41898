"""What the token endpoints take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.kernel.permissions import Permission, Role
from billing.platform.http.fields import Moment, OpaqueId, StrictSchema, Text


class NewToken(StrictSchema):
    role = fields.Enum(Role, by_value=True, required=True)
    scopes = fields.List(Text(max=60), load_default=list, validate=validate.Length(max=len(Permission)))
    entity_id = OpaqueId("ent", load_default=None, allow_none=True)
    site_ids = fields.List(
        OpaqueId("site"), load_default=None, allow_none=True, validate=validate.Length(min=1, max=50)
    )
    expires_at = Moment(load_default=None, allow_none=True)


class TokenView(Schema):
    id = fields.String()
    role = fields.Enum(Role, by_value=True)
    scopes = fields.List(fields.String())
    entity_id = fields.String(allow_none=True)
    site_ids = fields.List(fields.String(), allow_none=True)
    expires_at = fields.AwareDateTime(allow_none=True)
    issued_at = fields.AwareDateTime()
    revoked_at = fields.AwareDateTime(allow_none=True)


class IssuedTokenView(Schema):
    """`secret` is shown here and never again."""

    token = fields.Nested(TokenView)
    secret = fields.String()
