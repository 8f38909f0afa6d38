"""Agents' decisions in a table of their own, taken over from the journal; mails with their values as JSON

What an agent decided was read from the journal, whose old years are purged; it is a row now. A mail's subject held ids, nonces
and dotted strings; those mails, sent or still to be sent, are rewritten.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ABOUT = ("registration_id", "trainer_id", "sign_up_id", "service_contract_id")
#: Act of the journal → kind of subject, its column, what was decided.
KEPT_AND_TOLD = {
    "withheld.kept": ("registration", "registration_id", "kept"),
    "withheld.released": ("registration", "registration_id", "released"),
    "trainer.kept": ("trainer", "trainer_id", "kept"),
    "trainer.opened": ("trainer", "trainer_id", "opened"),
    "contract.withdrawn": ("service_contract", "service_contract_id", "withdrawn"),
    "contract.suspended": ("service_contract", "service_contract_id", "suspended"),
    "contract.resumed": ("service_contract", "service_contract_id", "resumed"),
    "contract.ended": ("service_contract", "service_contract_id", "ended"),
}
OF_LINK = ("confirm", "reset", "address_link", "address_asked", "address_changed")

journal = sa.table(
    "journal", sa.column("id"), sa.column("at", _INSTANT), sa.column("actor_id"), sa.column("action"),
    sa.column("subject_type"), sa.column("subject_id"), sa.column("after", _JSON), sa.column("reason"),
)
decision = sa.table(
    "decision", sa.column("id"), *map(sa.column, ABOUT), sa.column("outcome"), sa.column("actor_id"),
    sa.column("at", _INSTANT), sa.column("reason"),
)
sign_up = sa.table(
    "sign_up", sa.column("id"), sa.column("state"), sa.column("person_id"), sa.column("reason"),
    sa.column("created_at", _INSTANT), sa.column("decided_at", _INSTANT),
)
mail = sa.table(
    "mail", sa.column("id"), sa.column("kind"), sa.column("registration_id"), sa.column("trainer_id"),
    sa.column("subject"), sa.column("sequence"), sa.column("values", _JSON), sa.column("created_at", _INSTANT),
)

SEES_ALL = "(SELECT registre_sees_all())"
ABOUT_REGISTRATION = (
    "registration_id IS NOT NULL AND EXISTS (SELECT 1 FROM registration above WHERE above.id = registration_id)"
)
MAIL_BEFORE = (
    f"{ABOUT_REGISTRATION} OR kind = 'right_open' AND EXISTS"
    " (SELECT 1 FROM trainer above WHERE above.id::text = split_part(mail.subject, '-', 1))"
)
MAIL_AFTER = (
    f"{ABOUT_REGISTRATION} OR trainer_id IS NOT NULL AND EXISTS (SELECT 1 FROM trainer above WHERE above.id = trainer_id)"
)


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    _make_decisions()
    _take_over_decisions()
    if on_postgres:
        op.execute("ALTER TABLE decision ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON decision USING ({SEES_ALL})")
        op.execute("DROP POLICY own_rows ON mail")
    _make_values()
    op.drop_column("sign_up", "reason")
    if on_postgres:
        op.execute(f"CREATE POLICY own_rows ON mail USING ({SEES_ALL} OR {MAIL_AFTER})")
    op.create_index("ix_batch_mode_created_at", "batch", ["mode", "created_at", "id"])
    op.create_index("ix_batch_mode_state", "batch", ["mode", "state", "created_at"])


def downgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    op.drop_index("ix_batch_mode_state", "batch")
    op.drop_index("ix_batch_mode_created_at", "batch")
    if on_postgres:
        op.execute("DROP POLICY own_rows ON mail")
    op.add_column("sign_up", sa.Column("reason", sa.String(length=300), nullable=False, server_default=""))
    given = sa.select(decision.c.reason).where(
        decision.c.sign_up_id == sign_up.c.id, decision.c.outcome == "refused"
    ).limit(1).scalar_subquery()
    op.execute(sa.update(sign_up).where(sign_up.c.state == "refused").values(reason=sa.func.coalesce(given, "")))
    _make_subjects()
    if on_postgres:
        op.execute(f"CREATE POLICY own_rows ON mail USING ({SEES_ALL} OR {MAIL_BEFORE})")
    op.drop_table("decision")


def _make_decisions() -> None:
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("trainer_id", sa.Integer(), nullable=True),
        sa.Column("sign_up_id", sa.Integer(), nullable=True),
        sa.Column("service_contract_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            " + ".join(f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END" for column in ABOUT) + " = 1",
            name="ck_decision_about",
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{column.removesuffix('_id')}.id"], name=op.f(f"fk_decision_{column}"), ondelete="RESTRICT"
            )
            for column in ABOUT
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_decision_actor_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    for column in ABOUT:
        op.create_index(f"ix_decision_{column}", "decision", [column])


def _take_over_decisions() -> None:
    """Write what the journal tells as decisions, in its order."""
    for act, (kind, column, outcome) in KEPT_AND_TOLD.items():
        row = sa.table(kind, sa.column("id"))
        told = (
            sa.select(row.c.id, sa.literal(outcome), journal.c.actor_id, journal.c.at, journal.c.reason)
            .join(row, row.c.id == sa.cast(journal.c.subject_id, sa.Integer))
            .where(journal.c.subject_type == kind, journal.c.action == act)
            .order_by(journal.c.id)
        )
        _write(column, told)
    _write("sign_up_id", _decided_requests())


def _decided_requests() -> sa.Select[Any]:
    """Ask for the requests for an account that an agent decided: they are those a mail was written about.

    Who decided stands in the journal, if it still reaches back so far.
    """
    refused_by = (
        sa.select(journal.c.actor_id)
        .where(journal.c.subject_type == "sign_up", journal.c.action == "account.refused")
        .where(sa.cast(journal.c.subject_id, sa.Integer) == sign_up.c.id)
        .limit(1).scalar_subquery()
    )
    opened_by = (
        sa.select(journal.c.actor_id)
        .where(journal.c.action == "account.opened", journal.c.after["sign_up"].as_integer() == sign_up.c.id)
        .limit(1).scalar_subquery()
    )
    is_opened = sign_up.c.state == "opened"
    return (
        sa.select(
            sign_up.c.id, sa.case((is_opened, "accepted"), else_="refused"), sa.case((is_opened, opened_by), else_=refused_by),
            sa.func.coalesce(sign_up.c.decided_at, sign_up.c.created_at), sign_up.c.reason,
        )
        .where(sign_up.c.id.in_(sa.select(sa.cast(mail.c.subject, sa.Integer)).where(mail.c.kind == "decision")))
        .order_by(sign_up.c.id)
    )


def _write(column: str, rows: sa.Select[Any]) -> None:
    op.execute(sa.insert(decision).from_select([column, "outcome", "actor_id", "at", "reason"], rows))


def _make_values() -> None:
    """Give each mail its values, and its trainer where it is about one, in the place of its subject."""
    with op.batch_alter_table("mail") as batch:
        batch.add_column(sa.Column("trainer_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("values", _JSON, nullable=True))
    op.execute(sa.update(mail).where(mail.c.registration_id.is_not(None)).values(values={}))
    _rewrite(_values_of)
    with op.batch_alter_table("mail") as batch:
        batch.drop_constraint("uq_mail_kind_subject", type_="unique")
        batch.drop_constraint("ck_mail_about", type_="check")
        batch.drop_column("subject")
        batch.alter_column("values", existing_type=_JSON, nullable=False)
        batch.create_check_constraint("ck_mail_about", "registration_id IS NULL OR trainer_id IS NULL")
        batch.create_unique_constraint(op.f("uq_mail_kind_trainer_id_sequence"), ["kind", "trainer_id", "sequence"])
        batch.create_foreign_key(op.f("fk_mail_trainer_id"), "trainer", ["trainer_id"], ["id"], ondelete="RESTRICT")
    op.create_index("ix_mail_trainer_id", "mail", ["trainer_id"])
    other = sa.text("registration_id IS NULL AND trainer_id IS NULL")
    op.create_index("uq_mail_values", "mail", ["kind", "values"], unique=True, sqlite_where=other, postgresql_where=other)


def _make_subjects() -> None:
    op.drop_index("uq_mail_values", "mail")
    op.drop_index("ix_mail_trainer_id", "mail")
    with op.batch_alter_table("mail") as batch:
        batch.add_column(sa.Column("subject", sa.String(length=40), nullable=True))
        batch.drop_constraint("uq_mail_kind_trainer_id_sequence", type_="unique")
    _rewrite(_subject_of)
    with op.batch_alter_table("mail") as batch:
        batch.drop_constraint("fk_mail_trainer_id", type_="foreignkey")
        batch.drop_constraint("ck_mail_about", type_="check")
        batch.drop_column("values")
        batch.drop_column("trainer_id")
        batch.create_check_constraint("ck_mail_about", "(registration_id IS NULL) <> (subject IS NULL)")
        batch.create_unique_constraint(op.f("uq_mail_kind_subject"), ["kind", "subject"])


def _rewrite(columns_of: Any) -> None:
    """Rewrite the mails about no registration, each by what ``columns_of`` makes of its row."""
    bind = op.get_bind()
    for row in bind.execute(sa.select(mail).where(mail.c.registration_id.is_(None)).order_by(mail.c.id)).all():
        bind.execute(sa.update(mail).where(mail.c.id == row.id).values(**columns_of(row)))


def _values_of(row: Any) -> dict[str, Any]:
    kind, subject = row.kind, str(row.subject)
    if kind == "right_open":
        trainer, _, again = subject.partition("-")
        return {"trainer_id": int(trainer), "sequence": int(again or 1), "values": {}}
    if kind in OF_LINK:
        values: dict[str, Any] = {"link": subject}
    elif kind == "member":
        values = {"invitation": subject}
    elif kind == "card":
        values = {"event": int(subject)}
    elif kind == "decision":
        values = {"decision": _decided(decision.c.sign_up_id == int(subject))}
    elif kind == "contract":
        values = _contract_values(subject, row.created_at)
    else:
        person, _, reset = subject.partition("-")
        values = {"person": int(person), "reset": reset}
    return {"values": values}


def _contract_values(subject: str, written_at: Any) -> dict[str, Any]:
    contract, act, nonce, person = subject.split(".")
    made = _decided(
        decision.c.service_contract_id == int(contract), decision.c.outcome == act, decision.c.at <= written_at
    )
    why = {"decision": made} if made else {}
    return {"contract": int(contract), "act": act, **why, "person": int(person), "nonce": nonce}


def _decided(*conditions: Any) -> int | None:
    """Return the id of the last decision of which these hold."""
    query = sa.select(decision.c.id).where(*conditions).order_by(decision.c.at.desc(), decision.c.id.desc()).limit(1)
    return op.get_bind().scalar(query)


def _subject_of(row: Any) -> dict[str, Any]:
    if row.kind == "right_open":
        again = f"-{row.sequence}" if row.sequence > 1 else ""
        return {"subject": f"{row.trainer_id}{again}", "sequence": 1}
    values = row.values
    if row.kind == "decision":
        about = sa.select(decision.c.sign_up_id).where(decision.c.id == values["decision"])
        return {"subject": str(op.get_bind().scalar(about))}
    if row.kind == "contract":
        nonce = values.get("nonce") or f"{values.get('decision', 0):06x}"
        return {"subject": f"{values['contract']}.{values['act']}.{nonce}.{values['person']}"}
    if row.kind == "factor_reset":
        return {"subject": f"{values['person']}-{values['reset']}"}
    [only] = values.values()
    return {"subject": str(only)}
