"""Add what users prefer and what Clerk says of them"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
# The release before inserts rows without these columns: each has a default or may be null.
kind = "expand"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("users", sa.Column("locale", sa.String(35), server_default="en", nullable=False))
    op.add_column(
        "users", sa.Column("onboarding", sa.String(16), server_default="new", nullable=False)
    )
    op.add_column("users", sa.Column("clerk_updated_at", sa.DateTime(timezone=True)))
    op.add_column("users", sa.Column("deleted_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Remove the columns and what they hold."""
    for name in ("deleted_at", "clerk_updated_at", "onboarding", "locale"):
        op.drop_column("users", name)
