"""Until when a car that was told may go on to say that it waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from volant.cloud.store.migrations.old_sqlite import take_over

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("tasks", sa.Column("waits_until_s", sa.Double))
    # Whoever makes the next version takes this line along: it writes the tables as they are now.
    take_over(op.get_bind())
