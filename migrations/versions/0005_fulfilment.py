"""shipments and returns, and when the money of an order is taken"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import sqlmodel

revision: str = '0005'
down_revision: str | None = '0004'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOVEMENTS = (
    "kind in ('receipt', 'adjustment', 'count', 'transfer', 'sale', 'sale_undone', 'return')",
    "kind in ('receipt', 'adjustment', 'count', 'transfer', 'sale', 'sale_undone')",
)


def replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)


def upgrade() -> None:
    op.create_table('returns',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('status', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
    sa.Column('requested_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=True),
    sa.Column('currency', sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
    sa.Column('refund_amount', sa.BigInteger(), nullable=False),
    sa.Column('restock', sa.Boolean(), nullable=True),
    sa.Column('deadline_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("cause in ('customer', 'undelivered')", name=op.f('ck_returns_cause_known')),
    sa.CheckConstraint("status in ('requested', 'approved', 'received', 'refunded', 'rejected', 'expired')", name=op.f('ck_returns_status_known')),
    sa.CheckConstraint('refund_amount >= 0', name=op.f('ck_returns_refund_amount_not_negative')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_returns_order_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_returns_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_returns'))
    )
    op.create_index('ix_returns_by_status', 'returns', ['status', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_returns_newest', 'returns', [sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_returns_of_user', 'returns', ['user_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_returns_open', 'returns', ['created_at'], unique=False, postgresql_where=sa.text('closed_at IS NULL'))
    op.create_index('ix_returns_of_order', 'returns', ['order_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_table('shipments',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('carrier', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('tracking_number', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('shipped_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('shipped_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_shipments_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipments'))
    )
    op.create_index('ix_shipments_of_order', 'shipments', ['order_id', 'shipped_at'], unique=False)
    op.create_table('return_lines',
    sa.Column('return_id', sa.Uuid(), nullable=False),
    sa.Column('sku', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_return_lines_quantity_positive')),
    sa.CheckConstraint('amount >= 0', name=op.f('ck_return_lines_amount_not_negative')),
    sa.ForeignKeyConstraint(['return_id'], ['returns.id'], name=op.f('fk_return_lines_return_id')),
    sa.ForeignKeyConstraint(['sku'], ['variants.sku'], name=op.f('fk_return_lines_sku')),
    sa.PrimaryKeyConstraint('return_id', 'sku', name=op.f('pk_return_lines'))
    )
    op.create_table('shipment_lines',
    sa.Column('shipment_id', sa.Uuid(), nullable=False),
    sa.Column('sku', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_shipment_lines_quantity_positive')),
    sa.ForeignKeyConstraint(['shipment_id'], ['shipments.id'], name=op.f('fk_shipment_lines_shipment_id')),
    sa.ForeignKeyConstraint(['sku'], ['variants.sku'], name=op.f('fk_shipment_lines_sku')),
    sa.PrimaryKeyConstraint('shipment_id', 'sku', name=op.f('pk_shipment_lines'))
    )
    op.add_column('orders', sa.Column('capture_at', sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("'confirmation'"), nullable=False))
    op.add_column('stock_movements', sa.Column('return_id', sa.Uuid(), nullable=True))
    op.create_index('uq_stock_movements_return_fact', 'stock_movements', ['return_id', 'sku', 'location_id'], unique=True, postgresql_where=sa.text('return_id IS NOT NULL'))
    op.create_foreign_key(op.f('fk_stock_movements_return_id'), 'stock_movements', 'returns', ['return_id'], ['id'])
    op.create_check_constraint(op.f('ck_orders_capture_at_known'), 'orders', "capture_at in ('confirmation', 'shipping')")
    replace_check('stock_movements', 'kind_known', MOVEMENTS[0])


def downgrade() -> None:
    replace_check('stock_movements', 'kind_known', MOVEMENTS[1])
    op.drop_constraint(op.f('ck_orders_capture_at_known'), 'orders', type_='check')
    op.drop_constraint(op.f('fk_stock_movements_return_id'), 'stock_movements', type_='foreignkey')
    op.drop_index('uq_stock_movements_return_fact', table_name='stock_movements', postgresql_where=sa.text('return_id IS NOT NULL'))
    op.drop_column('stock_movements', 'return_id')
    op.drop_column('orders', 'capture_at')
    op.drop_table('shipment_lines')
    op.drop_table('return_lines')
    op.drop_index('ix_shipments_of_order', table_name='shipments')
    op.drop_table('shipments')
    op.drop_index('ix_returns_of_order', table_name='returns')
    op.drop_index('ix_returns_by_status', table_name='returns')
    op.drop_index('ix_returns_newest', table_name='returns')
    op.drop_index('ix_returns_of_user', table_name='returns')
    op.drop_index('ix_returns_open', table_name='returns', postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_table('returns')
