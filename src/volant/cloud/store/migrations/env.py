"""What alembic runs: with a connection that is handed to it, in the transaction that this one is in."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
context.run_migrations()
