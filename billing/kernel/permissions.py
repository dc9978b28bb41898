"""Who may do what: permissions, the roles that hold them, and the actor who carries them.

Source: the table of docs/decisions/0003-permissions.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    STAFF_PAGES = "staff:pages"
    CATALOG_READ = "catalog:read"
    CATALOG_PROPOSE = "catalog:propose"
    CATALOG_APPROVE = "catalog:approve"
    PATIENTS_READ = "patients:read"
    PATIENTS_WRITE = "patients:write"
    HOLDS_LIFT = "holds:lift"
    ELIGIBILITIES_VERIFY = "eligibilities:verify"
    CARE_READ = "care:read"
    CARE_PLAN = "care:plan"
    CARE_CHECK_IN = "care:check-in"
    CARE_OVERRIDE = "care:override"
    CARE_RECORD = "care:record"
    QUOTES_READ = "quotes:read"
    QUOTES_WRITE = "quotes:write"
    INVOICES_READ = "invoices:read"
    INVOICES_ISSUE = "invoices:issue"
    INVOICES_VOID = "invoices:void"
    PAYERS_READ = "payers:read"
    PAYERS_WRITE = "payers:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_TAKE = "payments:take"
    DRAWERS_MANAGE = "drawers:manage"
    RECEIPTS_READ = "receipts:read"
    STATEMENTS_READ = "statements:read"
    REFUNDS_READ = "refunds:read"
    REFUNDS_REQUEST = "refunds:request"
    REFUNDS_APPROVE = "refunds:approve"
    DISPUTES_ANSWER = "disputes:answer"
    DISPUTES_APPROVE = "disputes:approve"
    CREDITS_READ = "credits:read"
    CREDITS_WRITE = "credits:write"
    SUPERBILLS_READ = "superbills:read"
    SUPERBILLS_WRITE = "superbills:write"
    CLAIMS_READ = "claims:read"
    CLAIMS_WRITE = "claims:write"
    REMITTANCES_READ = "remittances:read"
    REMITTANCES_WRITE = "remittances:write"
    REMITTANCES_UNDO = "remittances:undo"
    LEDGER_READ = "ledger:read"
    LEDGER_WRITE = "ledger:write"
    EXPORT_LEDGER = "export:ledger"
    EXPORT_SUPERBILLS = "export:superbills"
    EXPORT_REFUNDS = "export:refunds"
    TASKS_WORK = "tasks:work"
    PEOPLE_WRITE = "people:write"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    FRONT_DESK = "front_desk"
    BILLING = "billing"
    SUPERVISOR = "supervisor"
    CLINICIAN = "clinician"
    ACCOUNTANT = "accountant"
    ADMIN = "admin"


_P = Permission

_FRONT_DESK = frozenset({
    _P.STAFF_PAGES,
    _P.CATALOG_READ, _P.PATIENTS_READ, _P.PATIENTS_WRITE, _P.CARE_READ, _P.CARE_PLAN, _P.CARE_CHECK_IN,
    _P.QUOTES_READ, _P.QUOTES_WRITE, _P.INVOICES_READ, _P.PAYMENTS_READ, _P.PAYMENTS_TAKE,
    _P.REFUNDS_READ, _P.REFUNDS_REQUEST, _P.CREDITS_READ, _P.SUPERBILLS_READ,
    _P.RECEIPTS_READ, _P.STATEMENTS_READ, _P.PAYERS_READ,
})  # fmt: skip
_BILLING = _FRONT_DESK | {
    _P.CATALOG_PROPOSE, _P.ELIGIBILITIES_VERIFY, _P.INVOICES_ISSUE, _P.INVOICES_VOID, _P.CREDITS_WRITE,
    _P.SUPERBILLS_WRITE, _P.CLAIMS_READ, _P.CLAIMS_WRITE, _P.REMITTANCES_READ, _P.REMITTANCES_WRITE,
    _P.LEDGER_READ, _P.EXPORT_REFUNDS,
    _P.EXPORT_LEDGER, _P.TASKS_WORK, _P.PAYERS_WRITE, _P.DISPUTES_ANSWER,
    _P.HOLDS_LIFT,
}  # fmt: skip

ROLES: dict[Role, frozenset[Permission]] = {
    Role.FRONT_DESK: _FRONT_DESK,
    Role.BILLING: _BILLING,
    Role.SUPERVISOR: _BILLING | {
        _P.CARE_OVERRIDE, _P.REFUNDS_APPROVE, _P.DISPUTES_APPROVE, _P.DRAWERS_MANAGE,
        _P.REMITTANCES_UNDO,
    },
    Role.CLINICIAN: frozenset({
        _P.STAFF_PAGES, _P.CATALOG_READ, _P.PATIENTS_READ, _P.CARE_READ, _P.CARE_RECORD,
    }),
    Role.ACCOUNTANT: frozenset({
        _P.STAFF_PAGES,
        _P.CATALOG_READ, _P.CATALOG_APPROVE, _P.QUOTES_READ, _P.INVOICES_READ, _P.PAYMENTS_READ,
        _P.REFUNDS_READ, _P.REFUNDS_APPROVE, _P.CREDITS_READ, _P.REMITTANCES_READ, _P.LEDGER_READ,
        _P.LEDGER_WRITE, _P.EXPORT_LEDGER, _P.EXPORT_SUPERBILLS, _P.EXPORT_REFUNDS, _P.AUDIT_READ,
        _P.TASKS_WORK, _P.PAYERS_READ, _P.DRAWERS_MANAGE, _P.REMITTANCES_UNDO,
    }),
    Role.ADMIN: frozenset({_P.STAFF_PAGES, _P.PEOPLE_WRITE, _P.SETTINGS_WRITE, _P.AUDIT_READ}),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks. `site_ids` is None for those who work at every site of the entity.

    `person_id` is who answers for this actor, when that is somebody else: who issued a token, for a token.
    """

    id: str
    entity_id: str | None
    permissions: frozenset[Permission]
    site_ids: frozenset[str] | None = None
    person_id: str | None = None

    @property
    def person(self) -> str:
        """Who answers for what is done. Two actors of one person are not two persons."""
        return self.person_id or self.id

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def sees(self, *, entity_id: str, site_id: str) -> bool:
        """Whether an object of that entity and site exists at all, as far as this actor knows."""
        return self.entity_id in (None, entity_id) and (self.site_ids is None or site_id in self.site_ids)


SYSTEM = Actor(id="system", entity_id=None, permissions=frozenset(Permission))
"""The product itself: worker jobs, webhooks, and whoever runs the command line on the machine."""
