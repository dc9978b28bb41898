"""Superbills, claims and remittances over HTTP."""

from __future__ import annotations

from billing.insurance.api.acknowledgements import add_acknowledgements
from billing.insurance.api.appeals import add_appeals
from billing.insurance.api.claim_papers import add_claim_papers
from billing.insurance.api.claims import add_claim_marks, add_claim_reads, add_claim_writes
from billing.insurance.api.coding import add_coding_routes
from billing.insurance.api.diagnoses import add_diagnoses
from billing.insurance.api.reissues import add_reissues
from billing.insurance.api.remittance_files import add_remittance_reads, add_upload
from billing.insurance.api.remittances import add_paper_remittances, add_remittance_decisions
from billing.insurance.api.superbills import add_superbill_reads, add_superbill_writes
from billing.insurance.api.undo import add_undo
from billing.insurance.api.uploads import add_uploads
from billing.insurance.ports import Outside
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge


def make_blueprint(edge: Edge, outside: Outside) -> ApiBlueprint:
    routes = ApiBlueprint("insurance", __name__, description="Superbills, claims, and what insurers answer")
    add_superbill_writes(routes, edge)
    add_superbill_reads(routes, edge, outside.print_superbill)
    add_diagnoses(routes, edge)
    add_coding_routes(routes, edge)
    add_claim_writes(routes, edge)
    add_claim_marks(routes, edge)
    add_claim_reads(routes, edge, outside.write_claims)
    add_reissues(routes, edge)
    add_claim_papers(routes, edge, outside.print_claims)
    add_acknowledgements(routes, edge, outside.acknowledgements)
    add_appeals(routes, edge, outside.print_appeal)
    add_upload(routes, edge, outside.remittances)
    add_uploads(routes, edge)
    add_remittance_reads(routes, edge)
    add_undo(routes, edge)
    add_remittance_decisions(routes, edge)
    add_paper_remittances(routes, edge)
    return routes
