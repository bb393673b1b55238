"""notifications, their mails, and the hints that tell of them"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import sqlmodel
from sqlalchemy.dialects import postgresql

from models.base import XID8

revision: str = '0007'
down_revision: str | None = '0006'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PURPOSES = (
    "purpose in ('verify-email', 'password-reset', 'already-registered', 'password-changed', 'notice')",
    "purpose in ('verify-email', 'password-reset', 'already-registered', 'password-changed')",
)

HINT = """
CREATE FUNCTION hint_of_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tillwright_news', TG_ARGV[0] || coalesce(to_jsonb(NEW) ->> TG_ARGV[1], ''));
    RETURN NULL;
END $$
"""
# What is hinted at, and the column that names for whom it is news. The row is the truth: a hint may be lost.
HINTED = {'notifications': ('user:', 'user_id'), 'order_events': ('order:', 'order_id'), 'mails': ('mail', '')}


def replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{name}'), table, type_='check')
    op.create_check_constraint(op.f(f'ck_{table}_{name}'), table, condition)


def upgrade() -> None:
    op.create_table('notifications',
    sa.Column('id', sa.UUID(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('event', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('xid', XID8(), server_default=sa.text('pg_current_xact_id()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_notifications_order_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_notifications_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notifications')),
    sa.UniqueConstraint('order_id', 'event', 'kind', 'user_id', name=op.f('uq_notifications_order_id_event_kind_user_id'), postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_notifications_newest', 'notifications', ['user_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_notifications_place', 'notifications', ['user_id', 'xid', 'id'], unique=False)
    op.create_index('ix_notifications_unread', 'notifications', ['user_id'], unique=False, postgresql_where=sa.text('read_at IS NULL'))
    op.add_column('mails', sa.Column('notification_id', sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f('uq_mails_notification_id'), 'mails', ['notification_id'])
    op.create_foreign_key(op.f('fk_mails_notification_id'), 'mails', 'notifications', ['notification_id'], ['id'], ondelete='CASCADE')
    op.add_column('mails', sa.Column('over_at', sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE mails SET over_at = coalesce(sent_at, used_at, now()) WHERE taken_at IS NOT NULL")
    op.create_index('ix_mails_under_way', 'mails', ['taken_at'], unique=False, postgresql_where=sa.text('over_at IS NULL'))
    replace_check('mails', 'purpose_known', PURPOSES[0])
    op.execute(HINT)
    for table, (prefix, column) in HINTED.items():
        op.execute(
            f"CREATE TRIGGER hint_of_news AFTER INSERT ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION hint_of_news('{prefix}', '{column}')"
        )


def downgrade() -> None:
    for table in HINTED:
        op.execute(f"DROP TRIGGER hint_of_news ON {table}")
    op.execute("DROP FUNCTION hint_of_news")
    op.execute("DELETE FROM mails WHERE purpose = 'notice'")
    replace_check('mails', 'purpose_known', PURPOSES[1])
    op.drop_index('ix_mails_under_way', table_name='mails', postgresql_where=sa.text('over_at IS NULL'))
    op.drop_column('mails', 'over_at')
    op.drop_constraint(op.f('fk_mails_notification_id'), 'mails', type_='foreignkey')
    op.drop_constraint(op.f('uq_mails_notification_id'), 'mails', type_='unique')
    op.drop_column('mails', 'notification_id')
    op.drop_index('ix_notifications_unread', table_name='notifications', postgresql_where=sa.text('read_at IS NULL'))
    op.drop_index('ix_notifications_place', table_name='notifications')
    op.drop_index('ix_notifications_newest', table_name='notifications')
    op.drop_table('notifications')
