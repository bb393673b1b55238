"""store"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import sqlmodel
from sqlalchemy.dialects import postgresql

from models.base import XID8

revision: str = '0002'
down_revision: str | None = '0001'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SEARCH_WORDS = """
CREATE FUNCTION search_words(said varchar) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    trim(regexp_replace(
        regexp_replace(
            casefold(normalize(said, NFKD) COLLATE pg_unicode_fast),
            '[\\u0300-\\u036f\\u0591-\\u05c7\\u0610-\\u061a\\u064b-\\u065f\\u0670\\u3099\\u309a]', '', 'g'),
        '[^[:alnum:]]+', ' ', 'g'))
"""
PRODUCT_WORDS = """
CREATE FUNCTION product_words(name varchar, brand varchar, description varchar) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    setweight(to_tsvector('simple', search_words(name)), 'A')
    || setweight(to_tsvector('simple', search_words(coalesce(brand, ''))), 'B')
    || setweight(to_tsvector('simple', search_words(description)), 'C')
"""
PRODUCT_BODIES = """
INSERT INTO product_bodies (product_id, body)
SELECT p.id, convert_to(left(jsonb_build_object(
    'id', p.id, 'slug', p.slug, 'name', p.name, 'description', p.description, 'brand', p.brand,
    'status', p.status, 'attributes', p.attributes, 'images', p.images, 'version', p.version,
    'variants', coalesce((
        SELECT jsonb_agg(jsonb_build_object('sku', v.sku, 'options', v.options,
            'price', jsonb_build_object('amount', v.price, 'currency', v.currency)) ORDER BY v.position, v.sku)
        FROM variants v WHERE v.product_id = p.id), '[]'::jsonb)
)::text, -1), 'UTF8')
FROM products p
"""
ROLES = ("role in ('customer', 'staff', 'admin', 'service')", "role in ('customer', 'staff', 'admin')")
MOVEMENTS = (
    "kind in ('receipt', 'adjustment', 'count', 'transfer', 'sale', 'sale_undone')",
    "kind in ('receipt', 'adjustment', 'sale', 'sale_undone')",
)


def replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)


def upgrade() -> None:
    replace_check('users', 'role_known', ROLES[0])
    replace_check('stock_movements', 'kind_known', MOVEMENTS[0])
    op.create_table('search_changes',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('xid', XID8(), server_default=sa.text('pg_current_xact_id()'), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_changes'))
    )
    op.create_index('ix_search_changes_order', 'search_changes', ['xid', 'id'], unique=False)
    op.create_table('synonym_groups',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('words', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_synonym_groups'))
    )
    op.create_index('ix_synonym_groups_newest', 'synonym_groups', [sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
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
    op.create_table('catalogue_imports',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('sha256', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('new', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('unchanged', sa.Integer(), nullable=False),
    sa.Column('refused', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_catalogue_imports'))
    )
    op.create_index('ix_catalogue_imports_unfinished', 'catalogue_imports', ['sha256'], unique=False, postgresql_where=sa.text('finished_at IS NULL'))
    op.create_table('import_refusals',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('line', sa.Integer(), nullable=False),
    sa.Column('field', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['catalogue_imports.id'], name=op.f('fk_import_refusals_import_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_refusals'))
    )
    op.create_index(op.f('ix_import_refusals_import_id'), 'import_refusals', ['import_id'], unique=False)
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
    op.create_table('stock_sessions',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('status', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('reference', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('opened_by', sa.Uuid(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind in ('receive', 'count')", name=op.f('ck_stock_sessions_kind_known')),
    sa.CheckConstraint("status in ('open', 'applied', 'discarded')", name=op.f('ck_stock_sessions_status_known')),
    sa.ForeignKeyConstraint(['location_id'], ['locations.id'], name=op.f('fk_stock_sessions_location_id')),
    sa.ForeignKeyConstraint(['opened_by'], ['users.id'], name=op.f('fk_stock_sessions_opened_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_sessions'))
    )
    op.create_index('ix_stock_sessions_newest', 'stock_sessions', [sa.literal_column('opened_at DESC'), sa.literal_column('id DESC')], unique=False)
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
    op.create_table('former_slugs',
    sa.Column('slug', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_former_slugs_product_id')),
    sa.PrimaryKeyConstraint('slug', name=op.f('pk_former_slugs'))
    )
    op.create_index(op.f('ix_former_slugs_product_id'), 'former_slugs', ['product_id'], unique=False)
    op.create_table('product_bodies',
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_bodies_product_id')),
    sa.PrimaryKeyConstraint('product_id', name=op.f('pk_product_bodies'))
    )
    op.execute(PRODUCT_BODIES)
    op.create_table('refresh_tokens',
    sa.Column('hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['session_id'], ['user_sessions.id'], name=op.f('fk_refresh_tokens_session_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_refresh_tokens'))
    )
    op.create_index(op.f('ix_refresh_tokens_session_id'), 'refresh_tokens', ['session_id'], unique=False)
    op.create_table('stock_events',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('sku', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('available', sa.Integer(), nullable=False),
    sa.Column('threshold', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind in ('low', 'out', 'back')", name=op.f('ck_stock_events_kind_known')),
    sa.ForeignKeyConstraint(['sku'], ['variants.sku'], name=op.f('fk_stock_events_sku')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_events'))
    )
    op.create_index('ix_stock_events_sku_id', 'stock_events', ['sku', sa.literal_column('id DESC')], unique=False)
    op.create_table('stock_session_lines',
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('sku', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('expected_on_hand', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('quantity >= 0', name=op.f('ck_stock_session_lines_quantity_not_negative')),
    sa.ForeignKeyConstraint(['session_id'], ['stock_sessions.id'], name=op.f('fk_stock_session_lines_session_id')),
    sa.ForeignKeyConstraint(['sku'], ['variants.sku'], name=op.f('fk_stock_session_lines_sku')),
    sa.PrimaryKeyConstraint('session_id', 'sku', name=op.f('pk_stock_session_lines'))
    )
    op.add_column('categories', sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('categories', sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False))
    op.add_column('idempotency_keys', sa.Column('resource', sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True))
    op.create_index('ix_idempotency_keys_at', 'idempotency_keys', ['at'], unique=False)
    op.add_column('products', sa.Column('price', sa.BigInteger(), nullable=True))
    op.execute('UPDATE products SET price = (SELECT min(v.price) FROM variants v WHERE v.product_id = products.id)')
    op.create_index('ix_products_category_id', 'products', ['category_id'], unique=False)
    op.execute(SEARCH_WORDS)
    op.execute(PRODUCT_WORDS)
    op.add_column('products', sa.Column('words', postgresql.TSVECTOR(), sa.Computed('product_words(name, brand, description)', persisted=True), nullable=True))
    op.create_index('ix_products_words', 'products', ['words'], unique=False, postgresql_using='gin')
    op.add_column('stock', sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False))
    op.add_column('stock_movements', sa.Column('session_id', sa.Uuid(), nullable=True))
    op.add_column('stock_movements', sa.Column('actor_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_stock_movements_actor_id'), 'stock_movements', 'users', ['actor_id'], ['id'])
    op.create_foreign_key(op.f('fk_stock_movements_session_id'), 'stock_movements', 'stock_sessions', ['session_id'], ['id'])
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
    op.execute("UPDATE stock_movements SET kind = 'adjustment' WHERE kind IN ('count', 'transfer')")
    replace_check('users', 'role_known', ROLES[1])
    replace_check('stock_movements', 'kind_known', MOVEMENTS[1])
    op.drop_index(op.f('ix_webhook_inbox_order_id'), table_name='webhook_inbox')
    op.drop_index('ix_users_name_words', table_name='users', postgresql_using='gin')
    op.drop_index('ix_users_email_start', table_name='users', postgresql_ops={'email': 'text_pattern_ops'})
    op.drop_index('ix_users_staff', table_name='users', postgresql_where=sa.text("role <> 'customer'"))
    op.drop_index('ix_users_newest', table_name='users')
    op.drop_column('users', 'erased_at')
    op.drop_column('users', 'email_verified_at')
    op.drop_constraint(op.f('fk_stock_movements_session_id'), 'stock_movements', type_='foreignkey')
    op.drop_constraint(op.f('fk_stock_movements_actor_id'), 'stock_movements', type_='foreignkey')
    op.drop_column('stock_movements', 'actor_id')
    op.drop_column('stock_movements', 'session_id')
    op.drop_column('stock', 'version')
    op.drop_index('ix_products_words', table_name='products', postgresql_using='gin')
    op.drop_column('products', 'words')
    op.execute('DROP FUNCTION product_words')
    op.execute('DROP FUNCTION search_words')
    op.drop_index('ix_products_category_id', table_name='products')
    op.drop_column('products', 'price')
    op.drop_index('ix_idempotency_keys_at', table_name='idempotency_keys')
    op.drop_column('idempotency_keys', 'resource')
    op.drop_column('categories', 'version')
    op.drop_column('categories', 'position')
    op.drop_table('stock_session_lines')
    op.drop_index('ix_stock_events_sku_id', table_name='stock_events')
    op.drop_table('stock_events')
    op.drop_index(op.f('ix_refresh_tokens_session_id'), table_name='refresh_tokens')
    op.drop_table('refresh_tokens')
    op.drop_table('product_bodies')
    op.drop_index(op.f('ix_former_slugs_product_id'), table_name='former_slugs')
    op.drop_table('former_slugs')
    op.drop_index('ix_user_sessions_of_user', table_name='user_sessions')
    op.drop_table('user_sessions')
    op.drop_index('ix_stock_sessions_newest', table_name='stock_sessions')
    op.drop_table('stock_sessions')
    op.drop_table('preferences')
    op.drop_index('ix_mails_untaken', table_name='mails', postgresql_where=sa.text('taken_at IS NULL'))
    op.drop_index('ix_mails_of_user', table_name='mails')
    op.drop_table('mails')
    op.drop_index(op.f('ix_import_refusals_import_id'), table_name='import_refusals')
    op.drop_table('import_refusals')
    op.drop_index('ix_catalogue_imports_unfinished', table_name='catalogue_imports', postgresql_where=sa.text('finished_at IS NULL'))
    op.drop_table('catalogue_imports')
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
    op.drop_index('ix_synonym_groups_newest', table_name='synonym_groups')
    op.drop_table('synonym_groups')
    op.drop_index('ix_search_changes_order', table_name='search_changes')
    op.drop_table('search_changes')
