"""Who pays for others."""

from __future__ import annotations

from datetime import datetime

from billing.catalog.queries import find_site
from billing.invoices.errors import NoSuchPayer
from billing.invoices.models import PayerRow
from billing.invoices.queries import find_payer
from billing.invoices.records import Payer, PayerKind
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def add_payer(
    tx: Tx, *, site_id: str, kind: PayerKind, name: str, contact: str, actor: Actor, now: datetime
) -> Payer:
    """Take in a payer at a site of the actor's.

    Raises: NoSuchSite, NoSuchPayer for a site of others.
    """
    site = find_site(tx, site_id)
    if not actor.sees(entity_id=site.entity_id, site_id=site.id):
        raise NoSuchPayer("Choose one of your own sites.")
    payer_id = new_id("pyr")
    row = PayerRow(
        id=payer_id,
        entity_id=site.entity_id,
        site_id=site.id,
        kind=kind,
        added_at=now,
        sealed=tx.vault.seal(PayerRow.__tablename__, payer_id, {"name": name, "contact": contact}),
    )
    tx.session.add(row)
    tx.session.flush()
    record_audit(tx, actor=actor, action="payer.add", subject_id=payer_id, now=now)
    return find_payer(tx, payer_id, actor)
