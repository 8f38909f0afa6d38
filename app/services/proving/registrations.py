"""What must hold of registrations, drivers and trainers."""

from __future__ import annotations

from app.services.operations.invariants import Invariant


def _not_once_in_journal(table: str) -> str:
    """Return the statement of the registered rows whose registration the journal does not tell once.

    It is counted for all together: below the policies of rows, no index of PostgreSQL answers a comparison with a number that
    is cast, and row by row each would read the whole journal. Years of it that were purged tell nothing any more.
    """
    return f"""
        SELECT b.id FROM {table} b LEFT JOIN (
            SELECT subject_id, count(*) AS times FROM journal
              WHERE action = '{table}.registered' AND subject_type = '{table}' GROUP BY subject_id) j
          ON j.subject_id = CAST(b.id AS VARCHAR)
          WHERE b.state = 'registered' AND b.registered_at >= (SELECT min(at) FROM journal) AND COALESCE(j.times, 0) <> 1"""  # noqa: S608  tables of ours


CHECKS = (
    Invariant(
        "registration.batch_in_part",
        "Un lot est enregistré en partie, ou des lignes sont enregistrées sans lui",
        """
        SELECT b.id FROM batch b WHERE
          (b.state = 'registered' AND (SELECT count(*) FROM registration r WHERE r.batch_id = b.id)
            <> COALESCE(NUMBER_IN(b.summary, kept), -1))
          OR (b.state <> 'registered' AND EXISTS (SELECT 1 FROM registration r WHERE r.batch_id = b.id))""",
    ),
    Invariant(
        "registration.empty_batch",
        "Un lot est enregistré sans aucune ligne",
        """
        SELECT b.id FROM batch b WHERE b.state = 'registered'
          AND NOT EXISTS (SELECT 1 FROM registration r WHERE r.batch_id = b.id)""",
    ),
    Invariant(
        "registration.other_centre",
        "Un enregistrement n’est pas du centre de son lot ou de son agrément",
        """
        SELECT r.id FROM registration r JOIN batch b ON b.id = r.batch_id JOIN accreditation a ON a.id = r.accreditation_id
          WHERE r.centre_id <> b.centre_id OR r.centre_id <> a.centre_id""",
    ),
    Invariant(
        "registration.unjournalled",
        "L’enregistrement d’un lot n’est pas au journal, ou y est deux fois",
        _not_once_in_journal("batch"),
    ),
    Invariant(
        "registration.cancelled_untold",
        "Un enregistrement est annulé sans que le motif en soit gardé, ou l’inverse",
        """
        SELECT r.id FROM registration r LEFT JOIN cancellation c ON c.registration_id = r.id
          WHERE (r.cancelled_on IS NULL) <> (c.id IS NULL)""",
    ),
    Invariant(
        "registration.replaces_nothing",
        "Une ligne de correction ne remplace aucun enregistrement",
        """
        SELECT r.id FROM registration r JOIN batch b ON b.id = r.batch_id WHERE b.mode = 'correction'
          AND NOT EXISTS (SELECT 1 FROM cancellation c WHERE c.replaced_by_id = r.id)""",
    ),
    Invariant(
        "registration.broken_chain",
        "Un remplacement n’est pas dans la suite de ce qu’il remplace",
        """
        SELECT new.id FROM cancellation c JOIN registration old ON old.id = c.registration_id
          JOIN registration new ON new.id = c.replaced_by_id
          WHERE new.ledger_id IS NULL OR new.ledger_id <> COALESCE(old.ledger_id, old.id)""",
    ),
    Invariant(
        "registration.two_live",
        "Deux enregistrements d’une même suite de remplacements valent à la fois",
        """
        SELECT COALESCE(ledger_id, id) FROM registration WHERE cancelled_on IS NULL
          GROUP BY COALESCE(ledger_id, id) HAVING count(*) > 1""",
    ),
    Invariant(
        "registration.joined_driver",
        "Un enregistrement est resté sur une fiche de conducteur réunie à une autre, ou porte une identité d’un autre",
        """
        SELECT r.id FROM registration r JOIN driver d ON d.id = r.driver_id LEFT JOIN driver a ON a.id = r.registered_as_id
          WHERE d.same_as_id IS NOT NULL OR (a.id IS NOT NULL AND COALESCE(a.same_as_id, a.id) <> r.driver_id)""",
    ),
    Invariant(
        "registration.unnumbered",
        "Un enregistrement n’a pas sa place parmi les changements que l’API lit, ou y vaut autrement",
        """
        SELECT r.id FROM registration r LEFT JOIN last_change c ON c.kind = 'registration' AND c.subject_id = r.id
          WHERE c.number IS NULL OR c.centre_id <> r.centre_id OR c.is_live <> (r.cancelled_on IS NULL)""",
    ),
    Invariant(
        "driver.two_steps",
        "Une fiche de conducteur mène à une autre qui mène elle-même ailleurs",
        "SELECT d.id FROM driver d JOIN driver k ON k.id = d.same_as_id WHERE k.same_as_id IS NOT NULL",
    ),
    Invariant(
        "trainer.unjournalled",
        "L’enregistrement d’un formateur n’est pas au journal, ou y est deux fois",
        _not_once_in_journal("trainer"),
    ),
    Invariant(
        "trainer.untold",
        "Un formateur dont le droit est ouvert n’en a reçu aucun courriel",
        """
        SELECT t.id FROM trainer t WHERE t.state = 'registered' AND NOT t.withheld AND t.cancelled_on IS NULL
          AND NOT EXISTS (SELECT 1 FROM mail m WHERE m.kind = 'right_open' AND m.trainer_id = t.id)""",
    ),
)
