"""Tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('answered_request',
    sa.Column('actor_id', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('request_sha256', sa.String(length=64), nullable=False),
    sa.Column('status', sa.BigInteger(), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('actor_id', 'key', name=op.f('pk_answered_request'))
    )
    op.create_table('api_token',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('secret_sha256', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=30), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=True),
    sa.Column('site_ids', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('issued_by', sa.String(length=40), nullable=False),
    sa.Column('person_id', sa.String(length=40), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('secret_sha256', name=op.f('uq_api_token_secret_sha256'))
    )
    op.create_index(op.f('ix_api_token_person_id'), 'api_token', ['person_id'], unique=False)
    op.create_table('audit_row',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.String(length=40), nullable=False),
    sa.Column('action', sa.String(length=60), nullable=False),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_row'))
    )
    op.create_index(op.f('ix_audit_row_actor_id'), 'audit_row', ['actor_id'], unique=False)
    op.create_index(op.f('ix_audit_row_subject_id'), 'audit_row', ['subject_id'], unique=False)
    op.create_table('document',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=30), nullable=False),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document')),
    sa.UniqueConstraint('kind', 'subject_id', 'version', name=op.f('uq_document_kind_subject_id_version'))
    )
    op.create_table('entity',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('slug', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('trade_name', sa.String(length=200), nullable=False),
    sa.Column('tin', sa.String(length=10), nullable=False),
    sa.Column('npi', sa.String(length=10), nullable=False),
    sa.Column('taxonomy', sa.String(length=10), nullable=False),
    sa.Column('timezone', sa.String(length=60), nullable=False),
    sa.Column('address', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('phone', sa.String(length=25), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entity')),
    sa.UniqueConstraint('slug', name=op.f('uq_entity_slug'))
    )
    op.create_table('job',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('payload', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('last_error', sa.String(length=200), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job')),
    sa.UniqueConstraint('kind', 'key', name=op.f('uq_job_kind_key'))
    )
    op.create_index('ix_job_next', 'job', ['state', 'due_at'], unique=False)
    op.create_table('ledger_entry',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('period', sa.String(length=7), nullable=False),
    sa.Column('source_kind', sa.String(length=30), nullable=False),
    sa.Column('source_id', sa.String(length=40), nullable=False),
    sa.Column('purpose', sa.String(length=30), nullable=False),
    sa.Column('reverses_id', sa.String(length=40), nullable=True),
    sa.Column('actor_id', sa.String(length=40), nullable=False),
    sa.Column('line_count', sa.SmallInteger(), nullable=False),
    sa.CheckConstraint('line_count >= 2', name=op.f('ck_ledger_entry_two_lines')),
    sa.ForeignKeyConstraint(['reverses_id'], ['ledger_entry.id'], name=op.f('fk_ledger_entry_reverses_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_ledger_entry_reverses_id')),
    sa.UniqueConstraint('source_kind', 'source_id', 'purpose', name=op.f('uq_ledger_entry_source_kind_source_id_purpose'))
    )
    op.create_index('ix_ledger_entry_period', 'ledger_entry', ['entity_id', 'period'], unique=False)
    op.create_table('number_series',
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('series', sa.String(length=30), nullable=False),
    sa.Column('last', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('entity_id', 'series', name=op.f('pk_number_series'))
    )
    op.create_table('patient',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint('number >= 1', name=op.f('ck_patient_numbers_count_from_one')),
    sa.CheckConstraint('version >= 1', name=op.f('ck_patient_versions_count_from_one')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patient')),
    sa.UniqueConstraint('entity_id', 'number', name=op.f('uq_patient_entity_id_number'))
    )
    op.create_index(op.f('ix_patient_site_id'), 'patient', ['site_id'], unique=False)
    op.create_table('remittance_file',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_by', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_remittance_file')),
    sa.UniqueConstraint('sha256', name=op.f('uq_remittance_file_sha256'))
    )
    op.create_table('sign_in_tries',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('tries', sa.BigInteger(), nullable=False),
    sa.Column('window_began_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('tries >= 0', name=op.f('ck_sign_in_tries_tries_are_counted_up')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_sign_in_tries'))
    )
    op.create_table('staff_user',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('email', sa.String(length=200), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('fs_uniquifier', sa.String(length=64), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=True),
    sa.Column('site_ids', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_staff_user_email_is_lower_case')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_user')),
    sa.UniqueConstraint('email', name=op.f('uq_staff_user_email')),
    sa.UniqueConstraint('fs_uniquifier', name=op.f('uq_staff_user_fs_uniquifier'))
    )
    op.create_table('state_change',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('before', sa.String(length=30), nullable=False),
    sa.Column('event', sa.String(length=30), nullable=False),
    sa.Column('after', sa.String(length=30), nullable=False),
    sa.Column('actor_id', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_state_change'))
    )
    op.create_index(op.f('ix_state_change_subject_id'), 'state_change', ['subject_id'], unique=False)
    op.create_table('webhook_event',
    sa.Column('source', sa.String(length=10), nullable=False),
    sa.Column('event_id', sa.String(length=255), nullable=False),
    sa.Column('kind', sa.String(length=60), nullable=False),
    sa.Column('object_id', sa.String(length=255), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('source', 'event_id', name=op.f('pk_webhook_event'))
    )
    op.create_table('audit_seal',
    sa.Column('place', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('audit_id', sa.String(length=40), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['audit_id'], ['audit_row.id'], name=op.f('fk_audit_seal_audit_id')),
    sa.PrimaryKeyConstraint('place', name=op.f('pk_audit_seal')),
    sa.UniqueConstraint('audit_id', name=op.f('uq_audit_seal_audit_id'))
    )
    op.create_table('condition',
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('slug', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('icd10', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['entity_id'], ['entity.id'], name=op.f('fk_condition_entity_id')),
    sa.PrimaryKeyConstraint('entity_id', 'slug', name=op.f('pk_condition'))
    )
    op.create_table('credit_lot',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('source', sa.String(length=20), nullable=False),
    sa.Column('source_id', sa.String(length=40), nullable=False),
    sa.Column('session_id', sa.String(length=40), nullable=True),
    sa.Column('amount_cents', sa.BigInteger(), nullable=False),
    sa.Column('available_cents', sa.BigInteger(), nullable=False),
    sa.Column('election', sa.String(length=10), nullable=True),
    sa.Column('elected_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.CheckConstraint('amount_cents > 0', name=op.f('ck_credit_lot_positive')),
    sa.CheckConstraint('available_cents BETWEEN 0 AND amount_cents', name=op.f('ck_credit_lot_never_negative')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_credit_lot_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_lot')),
    sa.UniqueConstraint('source', 'source_id', name=op.f('uq_credit_lot_source_source_id'))
    )
    op.create_index(op.f('ix_credit_lot_patient_id'), 'credit_lot', ['patient_id'], unique=False)
    op.create_index(op.f('ix_credit_lot_session_id'), 'credit_lot', ['session_id'], unique=False)
    op.create_table('drug',
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('strength', sa.String(length=200), nullable=False),
    sa.Column('ndc', sa.String(length=13), nullable=False),
    sa.Column('unit', sa.String(length=2), nullable=False),
    sa.Column('mg_per_unit', sa.String(length=12), nullable=False),
    sa.Column('hcpcs', sa.String(length=5), nullable=False),
    sa.ForeignKeyConstraint(['entity_id'], ['entity.id'], name=op.f('fk_drug_entity_id')),
    sa.PrimaryKeyConstraint('entity_id', 'code', name=op.f('pk_drug'))
    )
    op.create_table('eligibility',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('verified_on', sa.Date(), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint('expires_on IS NULL OR expires_on > verified_on', name=op.f('ck_eligibility_right_lasts_a_while')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_eligibility_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_eligibility'))
    )
    op.create_index(op.f('ix_eligibility_patient_id'), 'eligibility', ['patient_id'], unique=False)
    op.create_table('fee_schedule',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('published_by', sa.String(length=40), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['entity_id'], ['entity.id'], name=op.f('fk_fee_schedule_entity_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fee_schedule')),
    sa.UniqueConstraint('entity_id', 'code', name=op.f('uq_fee_schedule_entity_id_code'))
    )
    op.create_index('ix_fee_schedule_in_force', 'fee_schedule', ['entity_id', 'effective_from'], unique=False)
    op.create_table('ledger_line',
    sa.Column('entry_id', sa.String(length=40), nullable=False),
    sa.Column('place', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('account', sa.String(length=10), nullable=False),
    sa.Column('cents', sa.BigInteger(), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=True),
    sa.CheckConstraint('cents <> 0', name=op.f('ck_ledger_line_carries_an_amount')),
    sa.ForeignKeyConstraint(['entry_id'], ['ledger_entry.id'], name=op.f('fk_ledger_line_entry_id'), initially='DEFERRED', deferrable=True),
    sa.PrimaryKeyConstraint('entry_id', 'place', name=op.f('pk_ledger_line'))
    )
    op.create_index('ix_ledger_line_balance', 'ledger_line', ['account', 'patient_id'], unique=False)
    op.create_table('patient_lookup',
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_patient_lookup_patient_id')),
    sa.PrimaryKeyConstraint('fingerprint', 'patient_id', name=op.f('pk_patient_lookup'))
    )
    op.create_index(op.f('ix_patient_lookup_patient_id'), 'patient_lookup', ['patient_id'], unique=False)
    op.create_table('policy',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint('ends_on IS NULL OR ends_on >= effective_from', name=op.f('ck_policy_policy_ends_after_it_begins')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_policy_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy'))
    )
    op.create_index('ix_policy_in_force', 'policy', ['patient_id', 'effective_from'], unique=False)
    op.create_table('protocol',
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('sessions', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['entity_id'], ['entity.id'], name=op.f('fk_protocol_entity_id')),
    sa.PrimaryKeyConstraint('entity_id', 'code', name=op.f('pk_protocol'))
    )
    op.create_table('provider',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('credentials', sa.String(length=200), nullable=False),
    sa.Column('npi', sa.String(length=10), nullable=False),
    sa.Column('license_number', sa.String(length=200), nullable=False),
    sa.Column('license_state', sa.String(length=2), nullable=False),
    sa.ForeignKeyConstraint(['entity_id'], ['entity.id'], name=op.f('fk_provider_entity_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provider')),
    sa.UniqueConstraint('entity_id', 'npi', name=op.f('uq_provider_entity_id_npi'))
    )
    op.create_table('remittance',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('file_id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=True),
    sa.Column('payer_id', sa.String(length=80), nullable=False),
    sa.Column('payer_name', sa.String(length=80), nullable=False),
    sa.Column('trace', sa.String(length=50), nullable=False),
    sa.Column('amount_cents', sa.BigInteger(), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=False),
    sa.Column('content_sha256', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['remittance_file.id'], name=op.f('fk_remittance_file_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_remittance')),
    sa.UniqueConstraint('payer_id', 'trace', 'amount_cents', 'paid_on', 'content_sha256', name='uq_remittance_content')
    )
    op.create_index(op.f('ix_remittance_entity_id'), 'remittance', ['entity_id'], unique=False)
    op.create_index(op.f('ix_remittance_state'), 'remittance', ['state'], unique=False)
    op.create_index('uq_remittance_posted', 'remittance', ['entity_id', 'payer_id', 'trace', 'amount_cents', 'paid_on'], unique=True, sqlite_where=sa.text("state = 'posted'"), postgresql_where=sa.text("state = 'posted'"))
    op.create_table('rendering',
    sa.Column('document_id', sa.String(length=40), nullable=False),
    sa.Column('media_type', sa.String(length=60), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('rendered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_rendering_document_id')),
    sa.PrimaryKeyConstraint('document_id', name=op.f('pk_rendering'))
    )
    op.create_table('site',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('address', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('phone', sa.String(length=25), nullable=False),
    sa.Column('timezone', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['entity_id'], ['entity.id'], name=op.f('fk_site_entity_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_site')),
    sa.UniqueConstraint('entity_id', 'code', name=op.f('uq_site_entity_id_code'))
    )
    op.create_table('staff_session',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('staff_id', sa.String(length=40), nullable=False),
    sa.Column('secret_sha256', sa.String(length=64), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['staff_id'], ['staff_user.id'], name=op.f('fk_staff_session_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_session')),
    sa.UniqueConstraint('secret_sha256', name=op.f('uq_staff_session_secret_sha256'))
    )
    op.create_index(op.f('ix_staff_session_staff_id'), 'staff_session', ['staff_id'], unique=False)
    op.create_table('superbill',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('session_id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('supersedes_id', sa.String(length=40), nullable=True),
    sa.Column('control_number', sa.String(length=20), nullable=False),
    sa.Column('document_id', sa.String(length=40), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('service_on', sa.Date(), nullable=False),
    sa.Column('charge_cents', sa.BigInteger(), nullable=False),
    sa.Column('paid_cents', sa.BigInteger(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('charge_cents >= 0', name=op.f('ck_superbill_charge_not_negative')),
    sa.CheckConstraint('paid_cents >= 0', name=op.f('ck_superbill_paid_not_negative')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_superbill_document_id')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_superbill_patient_id')),
    sa.ForeignKeyConstraint(['supersedes_id'], ['superbill.id'], name=op.f('fk_superbill_supersedes_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_superbill')),
    sa.UniqueConstraint('document_id', name=op.f('uq_superbill_document_id')),
    sa.UniqueConstraint('entity_id', 'number', name=op.f('uq_superbill_entity_id_number')),
    sa.UniqueConstraint('session_id', 'version', name=op.f('uq_superbill_session_id_version')),
    sa.UniqueConstraint('supersedes_id', name=op.f('uq_superbill_supersedes_id'))
    )
    op.create_index(op.f('ix_superbill_control_number'), 'superbill', ['control_number'], unique=False)
    op.create_index(op.f('ix_superbill_patient_id'), 'superbill', ['patient_id'], unique=False)
    op.create_index(op.f('ix_superbill_service_on'), 'superbill', ['service_on'], unique=False)
    op.create_index('uq_superbill_present', 'superbill', ['session_id'], unique=True, sqlite_where=sa.text("state = 'issued'"), postgresql_where=sa.text("state = 'issued'"))
    op.create_table('treatment_plan',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('planned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_treatment_plan_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_treatment_plan'))
    )
    op.create_index(op.f('ix_treatment_plan_patient_id'), 'treatment_plan', ['patient_id'], unique=False)
    op.create_table('quote',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=True),
    sa.Column('plan_id', sa.String(length=40), nullable=True),
    sa.Column('schedule_id', sa.String(length=40), nullable=False),
    sa.Column('schedule_code', sa.String(length=40), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('quoted_on', sa.Date(), nullable=False),
    sa.Column('list_cents', sa.BigInteger(), nullable=False),
    sa.Column('package_cents', sa.BigInteger(), nullable=False),
    sa.Column('discount_cents', sa.BigInteger(), nullable=False),
    sa.Column('total_cents', sa.BigInteger(), nullable=False),
    sa.Column('document_id', sa.String(length=40), nullable=False),
    sa.Column('issued_by', sa.String(length=40), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('list_cents - package_cents - discount_cents = total_cents', name=op.f('ck_quote_reductions_lead_to_the_total')),
    sa.CheckConstraint('total_cents >= 0', name=op.f('ck_quote_total_is_never_negative')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_quote_document_id')),
    sa.ForeignKeyConstraint(['entity_id'], ['entity.id'], name=op.f('fk_quote_entity_id')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_quote_patient_id')),
    sa.ForeignKeyConstraint(['plan_id'], ['treatment_plan.id'], name=op.f('fk_quote_plan_id')),
    sa.ForeignKeyConstraint(['schedule_id'], ['fee_schedule.id'], name=op.f('fk_quote_schedule_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_quote_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quote'))
    )
    op.create_index(op.f('ix_quote_entity_id'), 'quote', ['entity_id'], unique=False)
    op.create_index(op.f('ix_quote_patient_id'), 'quote', ['patient_id'], unique=False)
    op.create_index(op.f('ix_quote_plan_id'), 'quote', ['plan_id'], unique=False)
    op.create_table('remittance_claim',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('remittance_id', sa.String(length=40), nullable=False),
    sa.Column('place', sa.BigInteger(), nullable=False),
    sa.Column('control_number', sa.String(length=50), nullable=False),
    sa.Column('payer_claim_number', sa.String(length=50), nullable=False),
    sa.Column('claim_status', sa.String(length=2), nullable=False),
    sa.Column('charge_cents', sa.BigInteger(), nullable=False),
    sa.Column('paid_cents', sa.BigInteger(), nullable=False),
    sa.Column('patient_cents', sa.BigInteger(), nullable=False),
    sa.Column('outcome', sa.String(length=20), nullable=True),
    sa.Column('session_id', sa.String(length=40), nullable=True),
    sa.Column('credit_cents', sa.BigInteger(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['remittance_id'], ['remittance.id'], name=op.f('fk_remittance_claim_remittance_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_remittance_claim')),
    sa.UniqueConstraint('remittance_id', 'place', name=op.f('uq_remittance_claim_remittance_id_place'))
    )
    op.create_index(op.f('ix_remittance_claim_payer_claim_number'), 'remittance_claim', ['payer_claim_number'], unique=False)
    op.create_index(op.f('ix_remittance_claim_session_id'), 'remittance_claim', ['session_id'], unique=False)
    op.create_table('treatment_session',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('plan_id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('provider_id', sa.String(length=40), nullable=True),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('service', sa.String(length=40), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('checked_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_cents', sa.BigInteger(), nullable=True),
    sa.Column('covered_cents', sa.BigInteger(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint('covered_cents >= 0 AND covered_cents <= COALESCE(due_cents, 0)', name=op.f('ck_treatment_session_cover_stays_between_nothing_and_due')),
    sa.CheckConstraint('due_cents >= 0', name=op.f('ck_treatment_session_due_is_never_negative')),
    sa.CheckConstraint('stopped_at > started_at', name=op.f('ck_treatment_session_stop_comes_after_start')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_treatment_session_patient_id')),
    sa.ForeignKeyConstraint(['plan_id'], ['treatment_plan.id'], name=op.f('fk_treatment_session_plan_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_treatment_session')),
    sa.UniqueConstraint('plan_id', 'number', name=op.f('uq_treatment_session_plan_id_number'))
    )
    op.create_index('ix_treatment_session_day', 'treatment_session', ['site_id', 'planned_on'], unique=False)
    op.create_index(op.f('ix_treatment_session_patient_id'), 'treatment_session', ['patient_id'], unique=False)
    op.create_table('invoice',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('quote_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('total_cents', sa.BigInteger(), nullable=False),
    sa.Column('open_cents', sa.BigInteger(), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('document_id', sa.String(length=40), nullable=False),
    sa.Column('void_reason', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint('open_cents BETWEEN 0 AND total_cents', name=op.f('ck_invoice_open_within_total')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_invoice_document_id')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_invoice_patient_id')),
    sa.ForeignKeyConstraint(['quote_id'], ['quote.id'], name=op.f('fk_invoice_quote_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice')),
    sa.UniqueConstraint('entity_id', 'number', name=op.f('uq_invoice_entity_id_number'))
    )
    op.create_index(op.f('ix_invoice_patient_id'), 'invoice', ['patient_id'], unique=False)
    op.create_index(op.f('ix_invoice_state'), 'invoice', ['state'], unique=False)
    op.create_table('session_coverage',
    sa.Column('session_id', sa.String(length=40), nullable=False),
    sa.Column('source_kind', sa.String(length=30), nullable=False),
    sa.Column('source_id', sa.String(length=40), nullable=False),
    sa.Column('amount_cents', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount_cents >= 0', name=op.f('ck_session_coverage_cover_is_never_negative')),
    sa.ForeignKeyConstraint(['session_id'], ['treatment_session.id'], name=op.f('fk_session_coverage_session_id')),
    sa.PrimaryKeyConstraint('session_id', 'source_kind', 'source_id', name=op.f('pk_session_coverage'))
    )
    op.create_table('checkout',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('invoice_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('amount_cents', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('reference', sa.String(length=255), nullable=True),
    sa.Column('url', sa.String(length=2000), nullable=True),
    sa.Column('return_url', sa.String(length=2000), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('request_key', sa.String(length=300), nullable=True),
    sa.Column('request_sha256', sa.String(length=64), nullable=True),
    sa.CheckConstraint('amount_cents > 0', name=op.f('ck_checkout_positive')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_checkout_invoice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checkout')),
    sa.UniqueConstraint('reference', name=op.f('uq_checkout_reference')),
    sa.UniqueConstraint('request_key', name=op.f('uq_checkout_request_key'))
    )
    op.create_index(op.f('ix_checkout_state'), 'checkout', ['state'], unique=False)
    op.create_index('uq_checkout_standing', 'checkout', ['invoice_id'], unique=True, sqlite_where=sa.text("state IN ('created', 'open')"), postgresql_where=sa.text("state IN ('created', 'open')"))
    op.create_table('credit_application',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('lot_id', sa.String(length=40), nullable=False),
    sa.Column('invoice_id', sa.String(length=40), nullable=False),
    sa.Column('amount_cents', sa.BigInteger(), nullable=False),
    sa.Column('applied_on', sa.Date(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount_cents > 0', name=op.f('ck_credit_application_positive')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_credit_application_invoice_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['credit_lot.id'], name=op.f('fk_credit_application_lot_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_application'))
    )
    op.create_index(op.f('ix_credit_application_invoice_id'), 'credit_application', ['invoice_id'], unique=False)
    op.create_index(op.f('ix_credit_application_lot_id'), 'credit_application', ['lot_id'], unique=False)
    op.create_table('invoice_line',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('invoice_id', sa.String(length=40), nullable=False),
    sa.Column('place', sa.SmallInteger(), nullable=False),
    sa.Column('session_id', sa.String(length=40), nullable=False),
    sa.Column('service', sa.String(length=30), nullable=False),
    sa.Column('service_on', sa.Date(), nullable=False),
    sa.Column('charge_cents', sa.BigInteger(), nullable=False),
    sa.Column('discount_cents', sa.BigInteger(), nullable=False),
    sa.Column('net_cents', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('charge_cents - discount_cents = net_cents', name=op.f('ck_invoice_line_net')),
    sa.CheckConstraint('net_cents >= 0', name=op.f('ck_invoice_line_net_not_negative')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_invoice_line_invoice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_line')),
    sa.UniqueConstraint('invoice_id', 'place', name=op.f('uq_invoice_line_invoice_id_place'))
    )
    op.create_index(op.f('ix_invoice_line_session_id'), 'invoice_line', ['session_id'], unique=False)
    op.create_table('invoice_tender',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('invoice_id', sa.String(length=40), nullable=False),
    sa.Column('source_kind', sa.String(length=30), nullable=False),
    sa.Column('source_id', sa.String(length=40), nullable=False),
    sa.Column('cents', sa.BigInteger(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('cents > 0', name=op.f('ck_invoice_tender_positive')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_invoice_tender_invoice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_tender')),
    sa.UniqueConstraint('invoice_id', 'source_kind', 'source_id', name=op.f('uq_invoice_tender_invoice_id_source_kind_source_id'))
    )
    op.create_index(op.f('ix_invoice_tender_source_id'), 'invoice_tender', ['source_id'], unique=False)
    op.create_table('pay_link',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('invoice_id', sa.String(length=40), nullable=False),
    sa.Column('secret_sha256', sa.String(length=64), nullable=False),
    sa.Column('made_by', sa.String(length=40), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_pay_link_invoice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pay_link')),
    sa.UniqueConstraint('secret_sha256', name=op.f('uq_pay_link_secret_sha256'))
    )
    op.create_index(op.f('ix_pay_link_invoice_id'), 'pay_link', ['invoice_id'], unique=False)
    op.create_table('invoice_return',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('invoice_id', sa.String(length=40), nullable=False),
    sa.Column('line_id', sa.String(length=40), nullable=False),
    sa.Column('cents', sa.BigInteger(), nullable=False),
    sa.Column('freed_cents', sa.BigInteger(), nullable=False),
    sa.Column('returned_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('freed_cents BETWEEN 0 AND cents', name=op.f('ck_invoice_return_freed_within')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_invoice_return_invoice_id')),
    sa.ForeignKeyConstraint(['line_id'], ['invoice_line.id'], name=op.f('fk_invoice_return_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_return')),
    sa.UniqueConstraint('line_id', name=op.f('uq_invoice_return_line_id'))
    )
    op.create_table('invoiced_session',
    sa.Column('session_id', sa.String(length=40), nullable=False),
    sa.Column('line_id', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['line_id'], ['invoice_line.id'], name=op.f('fk_invoiced_session_line_id')),
    sa.PrimaryKeyConstraint('session_id', name=op.f('pk_invoiced_session')),
    sa.UniqueConstraint('line_id', name=op.f('uq_invoiced_session_line_id'))
    )
    op.create_table('payment',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('invoice_id', sa.String(length=40), nullable=False),
    sa.Column('checkout_id', sa.String(length=40), nullable=True),
    sa.Column('tender', sa.String(length=10), nullable=False),
    sa.Column('amount_cents', sa.BigInteger(), nullable=False),
    sa.Column('fee_cents', sa.BigInteger(), nullable=False),
    sa.Column('refunded_cents', sa.BigInteger(), nullable=False),
    sa.Column('charge_reference', sa.String(length=255), nullable=True),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount_cents > 0', name=op.f('ck_payment_positive')),
    sa.CheckConstraint('fee_cents >= 0', name=op.f('ck_payment_fee_not_negative')),
    sa.CheckConstraint('refunded_cents BETWEEN 0 AND amount_cents', name=op.f('ck_payment_refunded_within')),
    sa.ForeignKeyConstraint(['checkout_id'], ['checkout.id'], name=op.f('fk_payment_checkout_id')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoice.id'], name=op.f('fk_payment_invoice_id')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_payment_patient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment')),
    sa.UniqueConstraint('charge_reference', name=op.f('uq_payment_charge_reference')),
    sa.UniqueConstraint('checkout_id', name=op.f('uq_payment_checkout_id'))
    )
    op.create_index(op.f('ix_payment_invoice_id'), 'payment', ['invoice_id'], unique=False)
    op.create_index(op.f('ix_payment_patient_id'), 'payment', ['patient_id'], unique=False)
    op.create_table('refund',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('entity_id', sa.String(length=40), nullable=False),
    sa.Column('site_id', sa.String(length=40), nullable=False),
    sa.Column('patient_id', sa.String(length=40), nullable=False),
    sa.Column('lot_id', sa.String(length=40), nullable=False),
    sa.Column('payment_id', sa.String(length=40), nullable=True),
    sa.Column('method', sa.String(length=10), nullable=False),
    sa.Column('amount_cents', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('requested_by', sa.String(length=40), nullable=False),
    sa.Column('requested_by_person', sa.String(length=40), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_by', sa.String(length=40), nullable=True),
    sa.Column('approved_by_person', sa.String(length=40), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('refunded_on', sa.Date(), nullable=True),
    sa.Column('reference', sa.String(length=255), nullable=True),
    sa.CheckConstraint('amount_cents > 0', name=op.f('ck_refund_positive')),
    sa.ForeignKeyConstraint(['lot_id'], ['credit_lot.id'], name=op.f('fk_refund_lot_id')),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.id'], name=op.f('fk_refund_patient_id')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_refund_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund')),
    sa.UniqueConstraint('entity_id', 'method', 'reference', name=op.f('uq_refund_entity_id_method_reference'))
    )
    op.create_index(op.f('ix_refund_lot_id'), 'refund', ['lot_id'], unique=False)
    op.create_index(op.f('ix_refund_patient_id'), 'refund', ['patient_id'], unique=False)
    op.create_index(op.f('ix_refund_payment_id'), 'refund', ['payment_id'], unique=False)
    op.create_index(op.f('ix_refund_state'), 'refund', ['state'], unique=False)
