"""Many superbills handed out at once are a disclosure: the trail says who took which, before one leaves."""

from __future__ import annotations

from datetime import datetime

from billing.insurance.records import BatchForm, WhichSuperbills
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

OF_EVERY_PATIENT = "superbills"


def disclose_superbills(
    tx: Tx,
    *,
    which: WhichSuperbills,
    form: BatchForm,
    count: int,
    left_out: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep a batch on the audit trail, under its patient when it is one's."""
    record_audit(
        tx,
        actor=actor,
        action="superbill.batch",
        subject_id=which.patient_id or OF_EVERY_PATIENT,
        now=now,
        detail={
            "form": form,
            "from": str(which.starts_on),
            "to": str(which.ends_on),
            "count": count,
            "left_out": left_out,
        },
    )
