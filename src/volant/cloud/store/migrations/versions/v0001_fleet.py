"""The first shape for both databases; what an older Volant has kept in a file of SQLite is put aside.

A car's facts stand once for all cars that have the same (`kinds`), so a filter is asked of kinds and not of cars.
Everything of a task is a column: a campaign's lists are read from indexes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from volant.cloud.store.migrations.old_sqlite import put_aside

revision = "0001"
down_revision = None

# In the order of bytes, as SQLite has it: pages go on after an id.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    put_aside(op.get_bind())
    _make_campaigns()
    _make_cars()
    _make_rest()


def _make_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("place", BIG, sa.Identity(), primary_key=True),
        sa.Column("id", TEXT, unique=True, nullable=False),
        sa.Column("begun", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "tasks",
        sa.Column("car_id", TEXT, nullable=False),
        sa.Column("campaign_id", TEXT, nullable=False),
        sa.Column("wave", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        # In error or not able: a column, since SQLite takes as long for a list of states as for a whole index.
        sa.Column("bad", sa.Boolean, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("due_s", sa.Double),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("health", sa.LargeBinary),
        sa.PrimaryKeyConstraint("car_id", "campaign_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("tasks_by_state", "tasks", ["campaign_id", "wave", "state", "car_id"])
    when = sa.text("due_s is not null")
    op.create_index("tasks_due", "tasks", ["due_s"], sqlite_where=when, postgresql_where=when)
    bad = sa.text("bad")
    # The last one only so that SQLite finds all of the question in the index: twenty times as fast.
    columns = ["campaign_id", "state", "reason", "car_id", "bad"]
    op.create_index("tasks_bad", "tasks", columns, sqlite_where=bad, postgresql_where=bad)
    op.create_table(
        "enlisting",
        sa.Column("campaign_id", TEXT, primary_key=True),
        sa.Column("number", BIG, nullable=False),
        sqlite_with_rowid=False,
    )


def _make_cars() -> None:
    op.create_table(
        "kinds",
        sa.Column("id", BIG, sa.Identity(), primary_key=True),
        sa.Column("digest", sa.LargeBinary, unique=True, nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("cars", BIG, nullable=False),
    )
    op.create_table(
        "cars",
        sa.Column("car_id", TEXT, primary_key=True),
        sa.Column("kind", BIG, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("cars_by_kind", "cars", ["kind", "car_id"])
    for name in ("devices", "records", "director_files"):
        op.create_table(
            name,
            sa.Column("car_id", TEXT, primary_key=True),
            sa.Column("body", sa.LargeBinary, nullable=False),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "tokens",
        sa.Column("car_id", TEXT, primary_key=True),
        sa.Column("digest", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seen",
        sa.Column("car_id", TEXT, primary_key=True),
        sa.Column("at_s", sa.Double, nullable=False),
        sqlite_with_rowid=False,
        # Room in each page, so that a row is written anew beside itself and no index is touched.
        postgresql_with={"fillfactor": "70"},
    )


def _make_rest() -> None:
    op.create_table(
        "releases",
        sa.Column("place", BIG, sa.Identity(), primary_key=True),
        sa.Column("name", TEXT, unique=True, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "deltas",
        sa.Column("base", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("cars", BIG, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("base", "target"),
    )
    op.create_table(
        "people",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("digest", TEXT, unique=True, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "numbers",
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("last", BIG, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("number", BIG, primary_key=True, autoincrement=False),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("line", sa.LargeBinary, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
    )
    op.create_index("audit_about", "audit", ["about", "number"])
