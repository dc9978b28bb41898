"""Saved cards, what patients agreed to about them, and their charges"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

APPEND_ONLY = ("consent_text", "consent")


def upgrade() -> None:
    _create_customers_and_links()
    _create_methods()
    _create_consents()
    _charge_by_checkout()
    _guard()


def _create_customers_and_links() -> None:
    op.create_table(
        "processor_customer",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(255), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_processor_customer_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processor_customer")),
        sa.UniqueConstraint("patient_id", "entity_id", name=op.f("uq_processor_customer_patient_id_entity_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_processor_customer_reference")),
    )
    op.create_table(
        "card_link",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("purposes", sa.String(100), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_card_link_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_link")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_card_link_secret_sha256")),
    )
    op.create_index("ix_card_link_patient_id", "card_link", ["patient_id"])


def _create_methods() -> None:
    op.create_table(
        "saved_method",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(40), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.String(40), nullable=False),
        sa.Column("customer_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("method_reference", sa.String(255), nullable=True),
        sa.Column("brand", sa.String(40), nullable=True),
        sa.Column("last4", sa.String(4), nullable=True),
        sa.Column("exp_month", sa.BigInteger(), nullable=True),
        sa.Column("exp_year", sa.BigInteger(), nullable=True),
        sa.Column("blocked_for", sa.String(60), nullable=True),
        sa.Column("page_reference", sa.String(255), nullable=True),
        sa.Column("url", sa.String(2_000), nullable=True),
        sa.Column("return_url", sa.String(2_000), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removal_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'abandoned') OR method_reference IS NOT NULL",
            name=op.f("ck_saved_method_kept_is_known"),
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_saved_method_patient_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["processor_customer.id"], name=op.f("fk_saved_method_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_method")),
        sa.UniqueConstraint("method_reference", name=op.f("uq_saved_method_method_reference")),
        sa.UniqueConstraint("page_reference", name=op.f("uq_saved_method_page_reference")),
    )
    op.create_index("ix_saved_method_patient_id", "saved_method", ["patient_id"])
    op.create_index("ix_saved_method_state", "saved_method", ["state"])
    pending = sa.text("state = 'pending'")
    op.create_index(
        "uq_saved_method_pending",
        "saved_method",
        ["patient_id"],
        unique=True,
        sqlite_where=pending,
        postgresql_where=pending,
    )


def _create_consents() -> None:
    op.create_table(
        "consent_text",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_consent_text")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("saved_method_id", sa.String(40), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("deed", sa.String(10), nullable=False),
        sa.Column("told_by", sa.String(10), nullable=False),
        sa.Column("actor_id", sa.String(40), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("text_sha256", sa.String(64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(deed = 'given') = (text_sha256 IS NOT NULL)", name=op.f("ck_consent_given_to_a_text")
        ),
        sa.ForeignKeyConstraint(
            ["saved_method_id"], ["saved_method.id"], name=op.f("fk_consent_saved_method_id")
        ),
        sa.ForeignKeyConstraint(
            ["text_sha256"], ["consent_text.sha256"], name=op.f("fk_consent_text_sha256")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_saved_method_id", "consent", ["saved_method_id"])


def _charge_by_checkout() -> None:
    with op.batch_alter_table("checkout") as checkout:
        checkout.add_column(sa.Column("saved_method_id", sa.String(40), nullable=True))
        checkout.add_column(sa.Column("consent_id", sa.String(40), nullable=True))
        checkout.add_column(sa.Column("decline", sa.String(60), nullable=True))
        checkout.create_foreign_key(
            op.f("fk_checkout_saved_method_id"), "saved_method", ["saved_method_id"], ["id"]
        )
        checkout.create_foreign_key(op.f("fk_checkout_consent_id"), "consent", ["consent_id"], ["id"])
    op.create_index("ix_checkout_saved_method_id", "checkout", ["saved_method_id"])


def _guard() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        return
    for table in APPEND_ONLY:
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} keeps what it holds'); END"
            )
