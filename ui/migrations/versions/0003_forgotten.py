"""Ids of chats that were deleted, so that an answer still under way is not kept after all."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring the tables up to this revision."""
    op.create_table(
        "forgotten",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgotten")),
    )
    with op.batch_alter_table("forgotten", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forgotten_at"), ["at"], unique=False)


def downgrade() -> None:
    """Take the tables back to the revision before."""
    with op.batch_alter_table("forgotten", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_forgotten_at"))

    op.drop_table("forgotten")
