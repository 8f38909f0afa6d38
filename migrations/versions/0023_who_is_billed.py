"""Who sells, who is billed and where, and the VAT of each territory: a registration's VAT follows the buyer's territory

What was registered before keeps the rate that it was registered at. The regimes are written here as well as by the reference
data: a base that is brought up to this version registers on, at once.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT registre_sees_all())"
OWN_CENTRE = "centre_id = (SELECT registre_centre())"
ARTICLE_294 = "TVA non applicable, article 294 du CGI"
#: Territory → rate in hundredths of a per cent, mention, whether somebody has still to confirm it.
REGIMES = {
    "METROPOLE": (2000, "", False),
    "GUADELOUPE": (850, "", False),
    "MARTINIQUE": (850, "", False),
    "REUNION": (850, "", False),
    "GUYANE": (0, ARTICLE_294, True),
    "MAYOTTE": (0, ARTICLE_294, True),
    "SAINT_PIERRE": (0, "", True),
    "SAINT_BARTHELEMY": (0, "", True),
    "SAINT_MARTIN": (0, "", True),
    "TERRES_AUSTRALES": (0, "", True),
    "WALLIS": (0, "", True),
    "POLYNESIE": (0, "", True),
    "CALEDONIE": (0, "", True),
}
TABLES = ("vat_regime", "seller", "billing_profile", "billing_territory")


def upgrade() -> None:
    _make_regime()
    _make_seller()
    _make_profile()
    op.create_table(
        "billing_territory",
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("territory", sa.String(length=20), nullable=False),
        _to("centre_id", "billing_territory", "centre"),
        sa.PrimaryKeyConstraint("centre_id", "valid_from", name=op.f("pk_billing_territory")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _protect()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _to(column: str, table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _texts(**lengths: int) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(length=length), nullable=False) for name, length in lengths.items()]


def _make_regime() -> None:
    regime = op.create_table(
        "vat_regime",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("territory", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=1), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("mention", sa.String(length=200), nullable=False),
        sa.Column("to_confirm", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("category IN ('S', 'E')", name="ck_vat_regime_category"),
        sa.CheckConstraint("rate >= 0 AND (category = 'S') = (rate > 0)", name="ck_vat_regime_rate"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ck_vat_regime_validity"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vat_regime")),
        sa.UniqueConstraint("territory", "valid_from", name=op.f("uq_vat_regime_territory_valid_from")),
    )
    since = sa.text("SELECT min(valid_from) FROM tariff")
    begins = op.get_bind().scalar(since)
    if begins is None:  # an empty base gets them with the reference data
        return
    op.bulk_insert(
        regime,
        [
            {
                "territory": territory,
                "category": "S" if rate else "E",
                "rate": rate,
                "mention": mention,
                "to_confirm": to_confirm,
                "valid_from": date.fromisoformat(str(begins)),
                "valid_to": None,
            }
            for territory, (rate, mention, to_confirm) in REGIMES.items()
        ],
    )


def _make_seller() -> None:
    op.create_table(
        "seller",
        sa.Column("id", sa.Integer(), nullable=False),
        *_texts(name=160, legal_form=60, capital=30, rcs=60, siren=9, siret=14, vat_number=20, street=38, postcode=5),
        *_texts(city=32, iban=34, bic=11, e_address=60),
        sa.Column("vat_on_debits", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller")),
        sa.UniqueConstraint("valid_from", name=op.f("uq_seller_valid_from")),
    )


def _make_profile() -> None:
    op.create_table(
        "billing_profile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        *_texts(name=160, siret=14, vat_number=20, street=38, extra=38, postcode=5, city=32, e_address=60),
        sa.Column("service_required", sa.Boolean(), nullable=False),
        sa.Column("engagement_required", sa.Boolean(), nullable=False),
        sa.Column("payment_days", sa.Integer(), nullable=False),
        *_texts(accounts_email=300, confirmed_siret=14),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("payment_days BETWEEN 1 AND 60", name="ck_billing_profile_payment_days"),
        sa.CheckConstraint("siret = '' OR length(siret) = 14", name="ck_billing_profile_siret"),
        _to("centre_id", "billing_profile", "centre"),
        _to("updated_by_id", "billing_profile", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_profile")),
        sa.UniqueConstraint("centre_id", name=op.f("uq_billing_profile_centre_id")),
    )


def _protect() -> None:
    """A centre sees how it is billed; who sells, and the VAT of territories, is known to all and written by agents."""
    for table in ("billing_profile", "billing_territory"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL} OR {OWN_CENTRE})")
    for table in ("vat_regime", "seller"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} FOR SELECT USING (true)")
        op.execute(f"CREATE POLICY own_new ON {table} FOR INSERT WITH CHECK ({ALL})")
        op.execute(f"CREATE POLICY own_changes ON {table} FOR UPDATE USING ({ALL})")
        op.execute(f"CREATE POLICY own_removals ON {table} FOR DELETE USING ({ALL})")
