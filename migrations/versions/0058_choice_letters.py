"""Letters that ask patients what becomes of an insurer's money, and whose word a choice is"""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

OF_ALL = """
    UPDATE credit_lot SET elected_by = 'standing'
    WHERE source = 'reimbursement' AND election = 'refund' AND EXISTS (
        SELECT 1 FROM standing_choice s
        WHERE s.patient_id = credit_lot.patient_id AND s.election = 'refund'
            AND s.changed_at <= credit_lot.elected_at
    )
"""


def upgrade() -> None:
    op.add_column("credit_lot", sa.Column("elected_by", sa.String(10), nullable=True))
    op.add_column("credit_lot", sa.Column("reopened_on", sa.Date(), nullable=True))
    op.execute(OF_ALL)
    op.create_table(
        "choice_letter",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=True),
        sa.Column("tries_left", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("document_id", sa.String(40), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("written_on", sa.Date(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("tries_left >= 0", name=op.f("ck_choice_letter_tries_not_negative")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_choice_letter_patient_id_patient")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_choice_letter_document_id_document")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_choice_letter")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_choice_letter_fingerprint")),
    )
    op.create_index(op.f("ix_choice_letter_patient_id"), "choice_letter", ["patient_id"])
    op.create_index("ix_choice_letter_state", "choice_letter", ["state"])
    op.create_table(
        "choice_letter_credit",
        sa.Column("lot_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("letter_id", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(
            ["lot_id"], ["credit_lot.id"], name=op.f("fk_choice_letter_credit_lot_id_credit_lot")
        ),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["choice_letter.id"], name=op.f("fk_choice_letter_credit_letter_id_choice_letter")
        ),
        sa.PrimaryKeyConstraint("lot_id", "kind", name=op.f("pk_choice_letter_credit")),
    )
    op.create_index(op.f("ix_choice_letter_credit_letter_id"), "choice_letter_credit", ["letter_id"])


def downgrade() -> None:
    """What patients chose stays; who was asked, and whose word a choice was, is not known any more."""
    op.drop_table("choice_letter_credit")
    op.drop_table("choice_letter")
    op.drop_column("credit_lot", "reopened_on")
    op.drop_column("credit_lot", "elected_by")
