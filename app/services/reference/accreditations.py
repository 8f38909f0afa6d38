"""What an accreditation is worth on a day, in words: for the lists of the back office."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import Accreditation
from app.services.core import clock

#: From this many days before its end, an accreditation is said to expire soon.
SOON = 90


def state(accreditation: Accreditation, day: date | None = None) -> tuple[str, str]:
    """Return the state on a day (today by default) as (kind of tag, words): a withdrawal comes before a suspension."""
    today = day or clock.today()
    withdrawn, ends = accreditation.withdrawn_on, accreditation.valid_to
    if withdrawn and withdrawn <= today:
        return "error", f"Retiré le {withdrawn:%d/%m/%Y}"
    if today < accreditation.valid_from:
        return "now", f"À partir du {accreditation.valid_from:%d/%m/%Y}"
    if ends and ends < today:
        return "", "Échu"
    return _paused(accreditation, today) or _ending(accreditation.last_day, today)


def _paused(accreditation: Accreditation, today: date) -> tuple[str, str] | None:
    for pause in accreditation.suspensions:
        if pause.starts_on <= today and (pause.ends_on is None or today <= pause.ends_on):
            return "error", f"Suspendu jusqu’au {pause.ends_on:%d/%m/%Y}" if pause.ends_on else "Suspendu"
    return None


def _ending(ends: date | None, today: date) -> tuple[str, str]:
    if ends is None or (ends - today).days > SOON:
        return "ok", "Actif"
    left = (ends - today).days
    return "gold", f"Expire dans {left} jours" if left > 1 else "Expire sous un jour"


def of_centre(centre_id: int) -> list[Accreditation]:
    """Return a centre's accreditations with their trainings and suspensions, those past too, by number."""
    a = Accreditation
    query = select(a).where(a.centre_id == centre_id).order_by(a.number)
    return list(db.session.execute(query.options(selectinload(a.trainings), selectinload(a.suspensions))).scalars())
