"""What Alembic runs to bring the tables up to date, over the connection that it is given."""

from alembic import context

from ui.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
