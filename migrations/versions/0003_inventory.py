"""stock at several locations: sessions, events, who moved what"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import sqlmodel

revision: str = '0003'
down_revision: str | None = '0002'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOVEMENTS = (
    "kind in ('receipt', 'adjustment', 'count', 'transfer', 'sale', 'sale_undone')",
    "kind in ('receipt', 'adjustment', 'sale', 'sale_undone')",
)


def replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)


def upgrade() -> None:
    replace_check('stock_movements', 'kind_known', MOVEMENTS[0])
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
    op.add_column('stock', sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False))
    op.add_column('stock_movements', sa.Column('session_id', sa.Uuid(), nullable=True))
    op.add_column('stock_movements', sa.Column('actor_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_stock_movements_actor_id'), 'stock_movements', 'users', ['actor_id'], ['id'])
    op.create_foreign_key(op.f('fk_stock_movements_session_id'), 'stock_movements', 'stock_sessions', ['session_id'], ['id'])


def downgrade() -> None:
    op.execute("UPDATE stock_movements SET kind = 'adjustment' WHERE kind IN ('count', 'transfer')")
    replace_check('stock_movements', 'kind_known', MOVEMENTS[1])
    op.drop_constraint(op.f('fk_stock_movements_session_id'), 'stock_movements', type_='foreignkey')
    op.drop_constraint(op.f('fk_stock_movements_actor_id'), 'stock_movements', type_='foreignkey')
    op.drop_column('stock_movements', 'actor_id')
    op.drop_column('stock_movements', 'session_id')
    op.drop_column('stock', 'version')
    op.drop_table('stock_session_lines')
    op.drop_index('ix_stock_events_sku_id', table_name='stock_events')
    op.drop_table('stock_events')
    op.drop_index('ix_stock_sessions_newest', table_name='stock_sessions')
    op.drop_table('stock_sessions')
