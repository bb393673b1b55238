"""refunds, cash, and the comparison with the provider"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import sqlmodel
from sqlalchemy.dialects import postgresql

revision: str = '0006'
down_revision: str | None = '0005'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ACCOUNTS = ("account in ('provider_clearing', 'cash', 'sales')", "account in ('provider_clearing', 'sales')")


def replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)


def upgrade() -> None:
    op.create_table('reconciliations',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('provider', sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('compared', sa.Integer(), nullable=False),
    sa.Column('different', sa.Integer(), nullable=False),
    sa.Column('mended', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reconciliations'))
    )
    op.create_index('ix_reconciliations_newest', 'reconciliations', [sa.literal_column('started_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_table('reconciliation_differences',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('reconciliation_id', sa.Uuid(), nullable=False),
    sa.Column('provider_ref', sqlmodel.sql.sqltypes.AutoString(length=255), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
    sa.Column('ours', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('theirs', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('mended', sa.Boolean(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['reconciliation_id'], ['reconciliations.id'], name=op.f('fk_reconciliation_differences_reconciliation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reconciliation_differences')),
    sa.UniqueConstraint('reconciliation_id', 'provider_ref', 'kind', name=op.f('uq_reconciliation_differences_reconciliation_id_provider_ref_kind'))
    )
    op.create_index('ix_reconciliation_differences_order_id', 'reconciliation_differences', ['order_id'], unique=False)
    op.create_table('refunds',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('return_id', sa.Uuid(), nullable=True),
    sa.Column('cause', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('status', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('currency', sqlmodel.sql.sqltypes.AutoString(length=3), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
    sa.Column('requested_by', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('idempotency_key', sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True),
    sa.Column('fingerprint', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('provider_ref', sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True),
    sa.Column('provider_key', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('failure', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("cause in ('staff', 'return', 'cancellation', 'provider')", name=op.f('ck_refunds_cause_known')),
    sa.CheckConstraint("status in ('pending', 'succeeded', 'failed')", name=op.f('ck_refunds_status_known')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_refunds_amount_positive')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_refunds_order_id')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_refunds_payment_id')),
    sa.ForeignKeyConstraint(['return_id'], ['returns.id'], name=op.f('fk_refunds_return_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_refunds_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refunds')),
    sa.UniqueConstraint('provider_ref', name=op.f('uq_refunds_provider_ref')),
    sa.UniqueConstraint('user_id', 'idempotency_key', name=op.f('uq_refunds_user_id_idempotency_key'))
    )
    op.create_index('ix_refunds_of_payment', 'refunds', ['payment_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index(op.f('ix_refunds_order_id'), 'refunds', ['order_id'], unique=False)
    op.create_index('ix_refunds_pending', 'refunds', ['created_at'], unique=False, postgresql_where=sa.text("status = 'pending'"))
    op.create_index('uq_refunds_return_id', 'refunds', ['return_id'], unique=True, postgresql_where=sa.text("status <> 'failed'"))
    op.create_index('ix_payments_newest', 'payments', [sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_payments_by_status', 'payments', ['status', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    replace_check('ledger_entries', 'account_known', ACCOUNTS[0])
    op.create_index('ix_webhook_inbox_received_at', 'webhook_inbox', ['received_at'], unique=False)
    op.execute("UPDATE webhook_inbox SET payload = '{}'")  # kept whole before, with what it told of the shopper


def downgrade() -> None:
    op.drop_index('ix_webhook_inbox_received_at', table_name='webhook_inbox')
    replace_check('ledger_entries', 'account_known', ACCOUNTS[1])
    op.drop_index('ix_payments_by_status', table_name='payments')
    op.drop_index('ix_payments_newest', table_name='payments')
    op.drop_index('uq_refunds_return_id', table_name='refunds', postgresql_where=sa.text("status <> 'failed'"))
    op.drop_index('ix_refunds_pending', table_name='refunds', postgresql_where=sa.text("status = 'pending'"))
    op.drop_index(op.f('ix_refunds_order_id'), table_name='refunds')
    op.drop_index('ix_refunds_of_payment', table_name='refunds')
    op.drop_table('refunds')
    op.drop_index('ix_reconciliation_differences_order_id', table_name='reconciliation_differences')
    op.drop_table('reconciliation_differences')
    op.drop_index('ix_reconciliations_newest', table_name='reconciliations')
    op.drop_table('reconciliations')
