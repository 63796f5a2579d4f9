"""Accounts, golden questions, corrections, the audit log, and the review of exchanges."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the tables up to this revision."""
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_subject"), ["subject"], unique=False)

    op.create_table(
        "action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account", sa.String(length=120), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("on", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    with op.batch_alter_table("action", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_action_at"), ["at"], unique=False)

    op.create_table(
        "correction_change",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("correction", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_correction_change")),
    )
    with op.batch_alter_table("correction_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_change_correction"), ["correction"], unique=False)

    op.create_table(
        "golden_question",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("line", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_golden_question")),
    )
    op.create_table(
        "golden_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("trigger", sa.String(length=60), nullable=True),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_golden_run")),
        sa.UniqueConstraint("trigger", name=op.f("uq_golden_run_trigger")),
    )
    with op.batch_alter_table("golden_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_golden_run_at"), ["at"], unique=False)

    op.create_table(
        "golden_result",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=80), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["golden_run.id"], name=op.f("fk_golden_result_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "question", name=op.f("pk_golden_result")),
    )
    op.create_table(
        "invitation",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("account", sa.Integer(), nullable=True),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.id"], name=op.f("fk_invitation_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_invitation")),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitation_account"), ["account"], unique=False)

    op.create_table(
        "sign_in",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.id"], name=op.f("fk_sign_in_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sign_in")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_seen"), ["seen"], unique=False)

    # Added one by one: a copied table would take the rows that refer to it along when it is dropped.
    op.add_column("exchange", sa.Column("role", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("exchange", sa.Column("attention", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("exchange", sa.Column("done", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("exchange", sa.Column("assignee", sa.String(length=120), nullable=False, server_default=""))
    op.create_index(
        "ix_exchange_figures",
        "exchange",
        ["at", "language", "outcome", "topic", "role", "milliseconds"],
    )
    op.create_index("ix_exchange_review", "exchange", ["attention", "at", "done"])
    op.create_index(op.f("ix_exchange_assignee"), "exchange", ["assignee"])
    op.execute("UPDATE exchange SET attention = 3 WHERE outcome = 'not_found'")
    op.execute("UPDATE exchange SET attention = 1 WHERE outcome = 'declined'")
    op.execute(
        "UPDATE exchange SET attention = 4 WHERE EXISTS (SELECT 1 FROM feedback WHERE feedback.thumb = 'down' "
        "AND feedback.conversation = exchange.conversation AND feedback.message = exchange.message)"
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_feedback_at"), ["at"], unique=False)

    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handover_at"), ["at"], unique=False)


def downgrade() -> None:
    """Take this revision back."""
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handover_at"))

    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_feedback_at"))

    with op.batch_alter_table("exchange", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exchange_assignee"))
        batch_op.drop_index("ix_exchange_review")
        batch_op.drop_index("ix_exchange_figures")
        batch_op.drop_column("assignee")
        batch_op.drop_column("done")
        batch_op.drop_column("attention")
        batch_op.drop_column("role")

    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_seen"))
        batch_op.drop_index(batch_op.f("ix_sign_in_account"))

    op.drop_table("sign_in")
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invitation_account"))

    op.drop_table("invitation")
    op.drop_table("golden_result")
    with op.batch_alter_table("golden_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_golden_run_at"))

    op.drop_table("golden_run")
    op.drop_table("golden_question")
    with op.batch_alter_table("correction_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_correction_change_correction"))

    op.drop_table("correction_change")
    with op.batch_alter_table("action", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_action_at"))

    op.drop_table("action")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_subject"))

    op.drop_table("account")
