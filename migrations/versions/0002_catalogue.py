"""the catalogue and its search: stored bodies, former slugs, the outbox, imports"""

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


def upgrade() -> None:
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
    op.add_column('categories', sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('categories', sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False))
    op.add_column('products', sa.Column('price', sa.BigInteger(), nullable=True))
    op.execute('UPDATE products SET price = (SELECT min(v.price) FROM variants v WHERE v.product_id = products.id)')
    op.create_index('ix_products_category_id', 'products', ['category_id'], unique=False)
    op.execute(SEARCH_WORDS)
    op.execute(PRODUCT_WORDS)
    op.add_column('products', sa.Column('words', postgresql.TSVECTOR(), sa.Computed('product_words(name, brand, description)', persisted=True), nullable=True))
    op.create_index('ix_products_words', 'products', ['words'], unique=False, postgresql_using='gin')


def downgrade() -> None:
    op.drop_index('ix_products_words', table_name='products', postgresql_using='gin')
    op.drop_column('products', 'words')
    op.execute('DROP FUNCTION product_words')
    op.execute('DROP FUNCTION search_words')
    op.drop_index('ix_products_category_id', table_name='products')
    op.drop_column('products', 'price')
    op.drop_column('categories', 'version')
    op.drop_column('categories', 'position')
    op.drop_table('product_bodies')
    op.drop_index(op.f('ix_former_slugs_product_id'), table_name='former_slugs')
    op.drop_table('former_slugs')
    op.drop_index(op.f('ix_import_refusals_import_id'), table_name='import_refusals')
    op.drop_table('import_refusals')
    op.drop_index('ix_catalogue_imports_unfinished', table_name='catalogue_imports', postgresql_where=sa.text('finished_at IS NULL'))
    op.drop_table('catalogue_imports')
    op.drop_index('ix_synonym_groups_newest', table_name='synonym_groups')
    op.drop_table('synonym_groups')
    op.drop_index('ix_search_changes_order', table_name='search_changes')
    op.drop_table('search_changes')
