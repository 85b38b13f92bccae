"""The first house: people, learning, certificates, and the ledger that nothing may change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration is frozen: it spells out what the tables were, whatever the models become.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.Text()

APPEND_ONLY_SQLITE = (
    """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
       BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)
APPEND_ONLY_POSTGRESQL = (
    """CREATE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$""",
    """CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger
       FOR EACH ROW EXECUTE FUNCTION ledger_refuses()""",
    """CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuses()""",
)


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=400), server_default="", nullable=False),
        sa.Column("address", sa.String(length=60), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_log_at"), ["at"], unique=False)

    op.create_table(
        "kept_picture",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_kept_picture")),
    )
    op.create_table(
        "ledger",
        sa.Column("subject", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("subject", "number", name=op.f("pk_ledger")),
    )
    op.create_table(
        "office",
        sa.Column("id", ID, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_hi", sa.String(length=200), server_default="", nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.CheckConstraint("path LIKE '/%/'", name=op.f("ck_office_path")),
        sa.ForeignKeyConstraint(["parent_id"], ["office.id"], name=op.f("fk_office_parent_id_office")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office")),
        sa.UniqueConstraint("code", name=op.f("uq_office_code")),
    )
    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_office_path"), ["path"], unique=False)

    op.create_table(
        "officer",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("authority", sa.String(length=60), server_default="", nullable=False),
        sa.Column("employee_number", sa.String(length=60), nullable=True),
        sa.Column("language", sa.String(length=20), server_default="en", nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officer")),
        sa.UniqueConstraint("authority", "employee_number", name=op.f("uq_officer_authority_employee_number")),
        sa.UniqueConstraint("email", name=op.f("uq_officer_email")),
    )
    op.create_table(
        "question_text",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_question_text")),
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("free_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
    )
    with op.batch_alter_table("throttle", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_throttle_free_at"), ["free_at"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("quiz", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=40), nullable=False),
        sa.Column("paper", JSON, nullable=False),
        sa.Column("rules", JSON, nullable=False),
        sa.Column("deadline", MOMENT, nullable=True),
        sa.Column("submitted_at", MOMENT, nullable=True),
        sa.Column("earned", sa.Integer(), nullable=True),
        sa.Column("possible", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.CheckConstraint("(submitted_at IS NULL) = (earned IS NULL)", name=op.f("ck_attempt_submitted")),
        sa.CheckConstraint("earned IS NULL OR (earned >= 0 AND earned <= possible)", name=op.f("ck_attempt_earned")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_attempt_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint(
            "officer_id", "course", "quiz", "number", name=op.f("uq_attempt_officer_id_course_quiz_number")
        ),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index("ix_attempt_officer", ["officer_id", "course", "quiz"], unique=False)

    op.create_table(
        "certificate",
        sa.Column("serial", sa.String(length=26), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_at", MOMENT, nullable=False),
        sa.Column("why", sa.String(length=400), server_default="", nullable=False),
        sa.Column("superseded_by", sa.String(length=26), nullable=True),
        sa.CheckConstraint(
            "state IN ('valid', 'withheld', 'superseded', 'revoked')", name=op.f("ck_certificate_state")
        ),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_certificate_officer_id_officer")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_certificate")),
    )
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index(
            "uq_certificate_one",
            ["officer_id", "course", "version"],
            unique=True,
            sqlite_where=sa.text("state IN ('valid', 'withheld')"),
            postgresql_where=sa.text("state IN ('valid', 'withheld')"),
        )

    op.create_table(
        "check_answer",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("lesson", sa.String(length=120), nullable=False),
        sa.Column("check_id", sa.String(length=80), nullable=False),
        sa.Column("given", JSON, nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_check_answer_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_answer")),
    )
    with op.batch_alter_table("check_answer", schema=None) as batch_op:
        batch_op.create_index("ix_check_answer_officer", ["officer_id", "course", "lesson", "check_id"], unique=False)

    op.create_table(
        "enrolment",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("route", sa.String(length=40), nullable=False),
        sa.Column("assigned_by", ID, nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("exempt_reason", sa.String(length=400), server_default="", nullable=False),
        sa.Column("exempted_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_enrolment_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("officer_id", "course", name=op.f("pk_enrolment")),
    )
    op.create_table(
        "lab_run",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("lesson", sa.String(length=120), nullable=False),
        sa.Column("lab", sa.String(length=80), nullable=False),
        sa.Column("choices", JSON, nullable=False),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_lab_run_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_run")),
    )
    with op.batch_alter_table("lab_run", schema=None) as batch_op:
        batch_op.create_index("ix_lab_run_officer", ["officer_id", "course", "lab"], unique=False)

    op.create_table(
        "ledger_head",
        sa.Column("subject", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject"], ["officer.id"], name=op.f("fk_ledger_head_subject_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "lesson_record",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("lesson", sa.String(length=120), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_lesson_record_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_record")),
        sa.UniqueConstraint("officer_id", "course", "lesson", name=op.f("uq_lesson_record_officer_id_course_lesson")),
    )
    op.create_table(
        "officer_name",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_officer_name_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("officer_id", "language", name=op.f("pk_officer_name")),
    )
    with op.batch_alter_table("officer_name", schema=None) as batch_op:
        batch_op.create_index(
            "uq_officer_name_primary",
            ["officer_id"],
            unique=True,
            sqlite_where=sa.text("is_primary"),
            postgresql_where=sa.text("is_primary"),
        )

    op.create_table(
        "one_time_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_one_time_link_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_one_time_link")),
    )
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_one_time_link_officer_id"), ["officer_id"], unique=False)

    op.create_table(
        "password",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_password_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_password")),
    )
    op.create_table(
        "posting",
        sa.Column("id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("office_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("designation", sa.String(length=200), server_default="", nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.CheckConstraint("kind IN ('main', 'additional')", name=op.f("ck_posting_kind")),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_posting_order")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_posting_office_id_office")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_posting_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.create_index("ix_posting_office_id", ["office_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_posting_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index(
            "uq_posting_main",
            ["officer_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'main' AND until IS NULL"),
            postgresql_where=sa.text("kind = 'main' AND until IS NULL"),
        )

    op.create_table(
        "role",
        sa.Column("id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("office_id", ID, nullable=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.CheckConstraint("role IN ('supervisor', 'trainer', 'administrator')", name=op.f("ck_role_role")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_role_office_id_office")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_role_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
    )
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_officer_id"), ["officer_id"], unique=False)

    op.create_table(
        "sign_in",
        sa.Column("id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_sign_in_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_token_hash")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_officer_id"), ["officer_id"], unique=False)

    op.create_table(
        "standing",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requirements_met", sa.Integer(), nullable=False),
        sa.Column("requirements_total", sa.Integer(), nullable=False),
        sa.Column("final_percent", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.String(length=12), server_default="", nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("certificate", sa.String(length=26), server_default="", nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("(state = 'complete') = (completed_at IS NOT NULL)", name=op.f("ck_standing_completed")),
        sa.CheckConstraint("evidence IN ('', 'checked', 'supervised', 'waived')", name=op.f("ck_standing_evidence")),
        sa.CheckConstraint(
            "state IN ('not_begun', 'in_progress', 'complete', 'exempt')", name=op.f("ck_standing_state")
        ),
        sa.CheckConstraint(
            "requirements_met >= 0 AND requirements_met <= requirements_total", name=op.f("ck_standing_met")
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_standing_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("officer_id", "course", name=op.f("pk_standing")),
    )
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.create_index("ix_standing_course_state", ["course", "state"], unique=False)

    op.create_table(
        "standing_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("course", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requirements_met", sa.Integer(), nullable=False),
        sa.Column("requirements_total", sa.Integer(), nullable=False),
        sa.Column("final_percent", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.String(length=12), server_default="", nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        sa.Column("certificate", sa.String(length=26), server_default="", nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_standing_history_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_history")),
    )
    with op.batch_alter_table("standing_history", schema=None) as batch_op:
        batch_op.create_index("ix_standing_history_officer", ["officer_id", "course", "at"], unique=False)

    op.create_table(
        "answer",
        sa.Column("attempt_id", sa.String(length=40), nullable=False),
        sa.Column("question_id", sa.String(length=80), nullable=False),
        sa.Column("given", JSON, nullable=True),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("right", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempt.id"], name=op.f("fk_answer_attempt_id_attempt"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attempt_id", "question_id", name=op.f("pk_answer")),
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in APPEND_ONLY_SQLITE if on_sqlite else APPEND_ONLY_POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("answer")
    with op.batch_alter_table("standing_history", schema=None) as batch_op:
        batch_op.drop_index("ix_standing_history_officer")

    op.drop_table("standing_history")
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.drop_index("ix_standing_course_state")

    op.drop_table("standing")
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_officer_id"))

    op.drop_table("sign_in")
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_officer_id"))

    op.drop_table("role")
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_posting_main",
            sqlite_where=sa.text("kind = 'main' AND until IS NULL"),
            postgresql_where=sa.text("kind = 'main' AND until IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_posting_officer_id"))
        batch_op.drop_index("ix_posting_office_id")

    op.drop_table("posting")
    op.drop_table("password")
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_one_time_link_officer_id"))

    op.drop_table("one_time_link")
    with op.batch_alter_table("officer_name", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_officer_name_primary", sqlite_where=sa.text("is_primary"), postgresql_where=sa.text("is_primary")
        )

    op.drop_table("officer_name")
    op.drop_table("lesson_record")
    op.drop_table("ledger_head")
    with op.batch_alter_table("lab_run", schema=None) as batch_op:
        batch_op.drop_index("ix_lab_run_officer")

    op.drop_table("lab_run")
    op.drop_table("enrolment")
    with op.batch_alter_table("check_answer", schema=None) as batch_op:
        batch_op.drop_index("ix_check_answer_officer")

    op.drop_table("check_answer")
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_certificate_one",
            sqlite_where=sa.text("state IN ('valid', 'withheld')"),
            postgresql_where=sa.text("state IN ('valid', 'withheld')"),
        )
        batch_op.drop_index(batch_op.f("ix_certificate_officer_id"))

    op.drop_table("certificate")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_attempt_officer")

    op.drop_table("attempt")
    with op.batch_alter_table("throttle", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_throttle_free_at"))

    op.drop_table("throttle")
    op.drop_table("question_text")
    op.drop_table("officer")
    with op.batch_alter_table("office", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_office_path"))

    op.drop_table("office")
    op.drop_table("ledger")
    op.drop_table("kept_picture")
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_log_at"))

    op.drop_table("access_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_refuses()")
