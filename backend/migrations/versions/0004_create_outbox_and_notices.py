"""Create outbox and notices"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
# The release before knows neither table.
kind = "expand"

# Two transactions that write to the same user would draw their ids in one order and might commit in
# the other; whoever reads in between would see the higher id first and never look for the lower one
# again. So the second waits for the end of the first before it draws. 25717 is "du" in ASCII: any
# number that no other advisory lock with two keys has.
DRAW = """
CREATE FUNCTION notices_draw_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(25717, hashtext(NEW.user_id::text));
    NEW.id := nextval('notices_id_seq');
    RETURN NEW;
END
$$
"""
# Sent at the commit, and not at all if there is none.
TELL = """
CREATE FUNCTION notices_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('notices', NEW.user_id::text);
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        _created_at(),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_outbox_user_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("user_id", "kind", name="uq_outbox_user_id_kind"),
    )
    unsent = sa.text("sent_at IS NULL")
    op.create_index("ix_outbox_unsent", "outbox", ["created_at"], postgresql_where=unsent)
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column(
            "data", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        _created_at(),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notices_user_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_notices_user_id_id", "notices", ["user_id", "id"])
    op.create_index("ix_notices_created_at", "notices", ["created_at"])
    op.execute("CREATE SEQUENCE notices_id_seq OWNED BY notices.id")
    op.execute(DRAW)
    op.execute(TELL)
    op.execute(
        "CREATE TRIGGER notices_draw_id BEFORE INSERT ON notices "
        "FOR EACH ROW EXECUTE FUNCTION notices_draw_id()"
    )
    op.execute(
        "CREATE TRIGGER notices_tell AFTER INSERT ON notices "
        "FOR EACH ROW EXECUTE FUNCTION notices_tell()"
    )


def downgrade() -> None:
    """Remove the tables and what they hold."""
    op.drop_table("notices")
    op.drop_table("outbox")
    op.execute("DROP FUNCTION notices_draw_id, notices_tell")


def _created_at() -> sa.Column[sa.DateTime]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
    )
