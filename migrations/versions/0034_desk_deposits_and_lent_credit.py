"""Desk deposits, credit lent to charges, refunds made by hand, days of withdrawals, moved missed visits"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deposit_request", recreate="auto") as asked:
        asked.add_column(sa.Column("handed_cents", sa.BigInteger(), nullable=False, server_default="0"))
        asked.create_check_constraint(
            op.f("ck_deposit_request_handed"), "handed_cents >= 0 AND handed_cents <= amount_cents"
        )
    with op.batch_alter_table("credit_application", recreate="never") as application:
        application.add_column(sa.Column("checkout_id", sa.String(40), nullable=True))
    op.create_index("ix_credit_application_checkout_id", "credit_application", ["checkout_id"])
    with op.batch_alter_table("checkout", recreate="auto") as checkout:
        checkout.drop_constraint(op.f("ck_checkout_positive"), type_="check")
        checkout.create_check_constraint(
            op.f("ck_checkout_positive"), "amount_cents > 0 OR (amount_cents = 0 AND reference IS NULL)"
        )
    with op.batch_alter_table("credit_withdrawal", recreate="never") as withdrawal:
        withdrawal.add_column(sa.Column("withdrawn_on", sa.Date(), nullable=True))
    with op.batch_alter_table("treatment_session", recreate="never") as session:
        session.add_column(sa.Column("moved_as_id", sa.String(40), nullable=True))
    with op.batch_alter_table("refund", recreate="never") as refund:
        refund.add_column(sa.Column("made_by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE refund SET made_by_hand = true WHERE reference IS NOT NULL AND refunded_on IS NULL"
    )
