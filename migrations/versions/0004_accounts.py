"""accounts and customers: sessions, mails, keys of machines, addresses, the audit log"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import sqlmodel
from sqlalchemy.dialects import postgresql

revision: str = '0004'
down_revision: str | None = '0003'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLES = ("role in ('customer', 'staff', 'admin', 'service')", "role in ('customer', 'staff', 'admin')")


def replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)


def upgrade() -> None:
    replace_check('users', 'role_known', ROLES[0])
    op.create_table('addresses',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('full_name', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('line1', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('line2', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
    sa.Column('city', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('region', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=True),
    sa.Column('postal_code', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('country', sqlmodel.sql.sqltypes.AutoString(length=2), nullable=False),
    sa.Column('phone', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.Column('is_default', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_addresses_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_addresses'))
    )
    op.create_index('ix_addresses_of_user', 'addresses', ['user_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_addresses_default', 'addresses', ['user_id'], unique=True, postgresql_where=sa.text('is_default'))
    op.create_table('api_keys',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('prefix', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('permissions', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_api_keys_created_by')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_api_keys_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('hash', name=op.f('uq_api_keys_hash'))
    )
    op.create_index('ix_api_keys_newest', 'api_keys', [sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index(op.f('ix_api_keys_user_id'), 'api_keys', ['user_id'], unique=False)
    op.create_table('audit_entries',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('action', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('subject', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('subject_id', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('address', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('request_id', sqlmodel.sql.sqltypes.AutoString(length=128), nullable=True),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name=op.f('fk_audit_entries_actor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries'))
    )
    op.create_index('ix_audit_entries_newest', 'audit_entries', [sa.literal_column('at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_audit_entries_of_actor', 'audit_entries', ['actor_id', sa.literal_column('at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_audit_entries_of_subject', 'audit_entries', ['subject', 'subject_id', sa.literal_column('at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_table('mails',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('recipient', sqlmodel.sql.sqltypes.AutoString(length=254), nullable=True),
    sa.Column('token_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('used_from', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("purpose in ('verify-email', 'password-reset', 'already-registered', 'password-changed')", name=op.f('ck_mails_purpose_known')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_mails_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mails')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_mails_token_hash'))
    )
    op.create_index('ix_mails_of_user', 'mails', ['user_id', 'purpose'], unique=False)
    op.create_index('ix_mails_untaken', 'mails', ['created_at'], unique=False, postgresql_where=sa.text('taken_at IS NULL'))
    op.create_table('preferences',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('language', sqlmodel.sql.sqltypes.AutoString(length=16), nullable=False),
    sa.Column('currency', sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
    sa.Column('order_emails', sa.Boolean(), nullable=False),
    sa.Column('marketing_emails', sa.Boolean(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_preferences_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_preferences'))
    )
    op.create_table('user_sessions',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('address', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('user_agent', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_sessions_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_sessions'))
    )
    op.create_index('ix_user_sessions_of_user', 'user_sessions', ['user_id', 'address'], unique=False)
    op.create_table('refresh_tokens',
    sa.Column('hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['session_id'], ['user_sessions.id'], name=op.f('fk_refresh_tokens_session_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_refresh_tokens'))
    )
    op.create_index(op.f('ix_refresh_tokens_session_id'), 'refresh_tokens', ['session_id'], unique=False)
    op.add_column('idempotency_keys', sa.Column('resource', sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True))
    op.create_index('ix_idempotency_keys_at', 'idempotency_keys', ['at'], unique=False)
    op.add_column('users', sa.Column('email_verified_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('users', sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_users_newest', 'users', [sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_users_staff', 'users', [sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False, postgresql_where=sa.text("role <> 'customer'"))
    op.create_index('ix_users_email_start', 'users', ['email'], unique=False, postgresql_ops={'email': 'text_pattern_ops'})
    op.create_index('ix_users_name_words', 'users', [sa.literal_column("to_tsvector('simple', full_name)")], unique=False, postgresql_using='gin')
    op.create_index(op.f('ix_webhook_inbox_order_id'), 'webhook_inbox', ['order_id'], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM api_keys")
    op.execute("UPDATE users SET role = 'customer', is_active = false WHERE role = 'service'")
    replace_check('users', 'role_known', ROLES[1])
    op.drop_index(op.f('ix_webhook_inbox_order_id'), table_name='webhook_inbox')
    op.drop_index('ix_users_name_words', table_name='users', postgresql_using='gin')
    op.drop_index('ix_users_email_start', table_name='users', postgresql_ops={'email': 'text_pattern_ops'})
    op.drop_index('ix_users_staff', table_name='users', postgresql_where=sa.text("role <> 'customer'"))
    op.drop_index('ix_users_newest', table_name='users')
    op.drop_column('users', 'erased_at')
    op.drop_column('users', 'email_verified_at')
    op.drop_index('ix_idempotency_keys_at', table_name='idempotency_keys')
    op.drop_column('idempotency_keys', 'resource')
    op.drop_index(op.f('ix_refresh_tokens_session_id'), table_name='refresh_tokens')
    op.drop_table('refresh_tokens')
    op.drop_index('ix_user_sessions_of_user', table_name='user_sessions')
    op.drop_table('user_sessions')
    op.drop_table('preferences')
    op.drop_index('ix_mails_untaken', table_name='mails', postgresql_where=sa.text('taken_at IS NULL'))
    op.drop_index('ix_mails_of_user', table_name='mails')
    op.drop_table('mails')
    op.drop_index('ix_audit_entries_of_subject', table_name='audit_entries')
    op.drop_index('ix_audit_entries_of_actor', table_name='audit_entries')
    op.drop_index('ix_audit_entries_newest', table_name='audit_entries')
    op.drop_table('audit_entries')
    op.drop_index(op.f('ix_api_keys_user_id'), table_name='api_keys')
    op.drop_index('ix_api_keys_newest', table_name='api_keys')
    op.drop_table('api_keys')
    op.drop_index('uq_addresses_default', table_name='addresses', postgresql_where=sa.text('is_default'))
    op.drop_index('ix_addresses_of_user', table_name='addresses')
    op.drop_table('addresses')
