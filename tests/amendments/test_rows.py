"""The tables of §8 (spec: billing), row by row, each with the tests that prove it; a test that is no more fails here."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from app.models.amendment import REASONS, REPLACING, TRAINER_REASONS

TESTS = Path(__file__).resolve().parent.parent
ACTS, SCREENS, PLACES, SITUATIONS = (f"amendments/test_{name}" for name in ("acts", "screens", "places", "situations"))
CALLS, RIGHTS, REPORTS = (f"amendments/test_{name}" for name in ("calls", "trainer_rights", "reports"))
RACES, RIGHT_RACES, LOOKS = (f"amendments/test_{name}" for name in ("races", "trainer_races", "look_alikes"))
ORDERS, ORDER_SCREENS, ORDER_RACES = (f"billing/test_orders{name}" for name in ("", "_screens", "_races"))
DRAFTS, FEES, CREDITS = "billing/test_drafts", "billing/test_cancelled_fees", "invoicing/test_credit_notes"

#: Row → its tests, « file:test ».
SITUATION_ROWS = {
    "A: 7 calendar days, to 23:59:59 Paris": [
        f"{ACTS}:test_a_until_the_seventh_day",
        f"{SITUATIONS}:test_a_the_window_ends_with_the_seventh_day_in_paris",
        f"{SITUATIONS}:test_a_the_screen_says_the_same_on_the_edge",
    ],
    "A: not on an issued invoice": [f"{ACTS}:test_a_on_an_issued_invoice_an_agent_decides_whatever_the_day"],
    "A: no card request beyond draft": [
        f"{ACTS}:test_draft_is_cancelled_by_the_centre_alone",
        f"{ACTS}:test_sent_in_is_stopped_by_an_agent_and_paid_back",
    ],
    "A: no other centre's document touched": [f"{ACTS}:test_another_centre_s_certificate_moves_by_an_agent_only"],
    "A: manager with « enregistrement » for that accreditation": [
        f"{ACTS}:test_who_may_not_register_may_not_cancel",
        f"{SITUATIONS}:test_a_the_right_must_extend_to_the_accreditation_of_the_line",
    ],
    "A: reason compulsory": [f"{ACTS}:test_an_unknown_reason_and_another_one_without_words_are_refused"],
    "A: a second screen lists every effect, confirmation bound to the version shown": [
        f"{SCREENS}:test_a_wrong_digit_is_mended_in_three_screens",
        f"{SCREENS}:test_what_changed_meanwhile_is_shown_again",
        f"{ACTS}:test_confirmation_bound_to_the_version_shown",
    ],
    "A: leaves the draft, never billed": [
        f"{DRAFTS}:test_a_cancelled_registration_leaves_its_draft",
        f"{DRAFTS}:test_a_cancelled_registration_is_not_estimated",
    ],
    "B: same person asks, one neutral reason": [f"{SCREENS}:test_after_the_window_the_centre_asks_and_is_told_no_more"],
    "B: agent decides, side by side, answered": [
        f"{SCREENS}:test_both_lines_side_by_side_then_accepted_and_answered",
        f"{SCREENS}:test_refused_for_a_reason_that_is_mailed",
        f"{SCREENS}:test_decided_once",
        f"{ACTS}:test_b_an_agent_may_at_any_time",
    ],
    "B: < 6 years": [f"{ACTS}:test_nobody_after_six_years"],
    "B: billed and not issued leaves the draft": [f"{DRAFTS}:test_a_cancelled_registration_leaves_its_draft"],
    "B: billed and issued → credit note, yes by default for a wrong identity, no for « non suivie »": [
        f"{CREDITS}:test_what_is_invoiced_and_cancelled_is_given_back_as_an_agent_decides",
        f"{CREDITS}:test_two_cancelled_one_after_the_other_share_the_credit_note_that_waits",
    ],
    "C: the driver says it, a request at the centre": [
        f"{REPORTS}:test_what_is_said_is_kept_told_to_who_registered_and_journalled"
    ],
    "C: copy to agents after 5 days": [f"{REPORTS}:test_agents_see_it_after_five_days_without_an_answer"],
    "D: agent, direct, reason kept, centre told": [
        f"{SCREENS}:test_an_agent_cancels_a_fraud_directly",
        f"{SITUATIONS}:test_d_an_agent_acts_and_the_centre_is_told",
        f"{SITUATIONS}:test_d_where_who_registered_may_no_more_the_representative_is_told",
    ],
    "trainer's right: fee is credited": [
        f"{CREDITS}:test_the_fee_of_a_cancelled_right_leaves_its_draft_or_is_given_back",
        f"{CREDITS}:test_a_fee_is_given_back_as_well",
    ],
    "order number or reference wrong: « factures » holder": [
        f"{ORDERS}:test_who_may",
        f"{ORDER_SCREENS}:test_who_lacks_the_right_is_not_offered_it",
        f"{ORDER_SCREENS}:test_forged_lines_of_another_centre_are_not_found",
    ],
    "order number or reference wrong: order_override, no cancellation at all": [
        f"{ORDERS}:test_before_the_month_is_over_the_estimate_and_the_consumption_follow",
        f"{ORDERS}:test_one_line_of_a_draft_goes_to_a_draft_of_its_own_to_the_cent",
        f"{ORDERS}:test_the_reference_alone",
        f"{ORDERS}:test_undone_each_line_comes_back_under_its_own",
        f"{ORDER_SCREENS}:test_from_the_receipt_and_both_numbers_are_said_everywhere",
        f"{ORDER_RACES}:test_billing_otherwise_and_cancelling",
    ],
    "order number or reference wrong: until issue": [
        f"{ORDERS}:test_on_an_issued_invoice_nothing_moves_and_it_is_all_or_none",
        f"{ORDER_SCREENS}:test_after_issue_it_is_said_that_an_agent_makes_a_credit_note",
    ],
    "trainer's right: TRAINERS right, same window, after it an agent": [
        f"{RIGHTS}:test_it_takes_the_right_to_register_trainers",
        f"{RIGHTS}:test_until_the_seventh_day_alone_then_an_agent",
        f"{SITUATIONS}:test_trainer_s_right_the_window_ends_with_the_seventh_day_in_paris",
    ],
    "trainer's right: right closes, notice by mail": [
        f"{RIGHTS}:test_every_reason_closes_the_right_and_tells_the_person",
        f"{RIGHT_RACES}:test_the_notice_that_the_right_is_open",
    ],
    "trainer's right: fee leaves the draft": [
        f"{FEES}:test_it_leaves_its_draft_and_an_empty_one_goes",
        f"{FEES}:test_on_an_issued_invoice_it_stays_and_an_agent_decides",
    ],
}
REASON_ROWS = {
    f"reason {code}, {door}": tests
    for code in REASONS
    for door, tests in {
        "by screen": [f"{SCREENS}:test_every_reason_on_screen"]
        + ([f"{SITUATIONS}:test_every_reason_that_replaces_on_screen"] if code in REPLACING else []),
        "by API": [f"{CALLS}:test_every_reason_cancels"]
        + ([f"{CALLS}:test_every_reason_that_replaces"] if code in REPLACING else []),
        "in the service": [f"{ACTS}:test_every_reason_cancels"]
        + (
            [f"{ACTS}:test_every_reason_that_replaces"]
            if code in REPLACING
            else [f"{ACTS}:test_other_reasons_take_no_replacement"]
        ),
    }.items()
} | {
    f"trainer's reason {code}": [f"{RIGHTS}:test_every_reason_closes_the_right_and_tells_the_person"]
    for code in TRAINER_REASONS
}
REPLACEMENT_ROWS = {
    "pre-filled with the old line": [f"{SCREENS}:test_a_wrong_digit_is_mended_in_three_screens"],
    "the same analysis": [f"{ACTS}:test_the_same_rules_judge_the_new_line"],
    "already_registered ignores cancelled ones": [
        f"{ACTS}:test_already_registered_ignores_the_cancelled_and_the_one_replaced"
    ],
    "link": [
        f"{ACTS}:test_link",
        f"{ACTS}:test_own_receipt_in_a_batch_of_its_own",
        f"{PLACES}:test_the_receipt_links_both_ways",
    ],
    "price: the old one": [f"{ACTS}:test_price_is_the_old_one_across_a_tariff_change"],
    "price: another class, today's": [f"{ACTS}:test_price_of_another_class_is_today_s"],
    "invoice: not issued, takes the old one's place": [
        f"{DRAFTS}:test_a_replacement_takes_the_place_of_the_old_one_once",
        f"{DRAFTS}:test_a_replacement_under_another_order_number_is_billed_there",
        f"{ORDERS}:test_a_replacement_is_billed_as_the_one_it_replaces_but_for_what_it_says_itself",
    ],
    "invoice: issued, same price, no credit, no new charge": [
        f"{SITUATIONS}:test_invoice_issued_at_the_same_price_nothing_is_charged_anew",
        f"{CREDITS}:test_a_replacement_at_the_same_price_moves_no_money",
    ],
    "invoice: issued, other price: credit and new charge": [
        f"{CREDITS}:test_a_replacement_at_another_price_is_credited_and_charged_anew"
    ],
    "documents: revoked even when pending": [
        f"{ACTS}:test_a_document_still_to_be_drawn_is_revoked_and_never_drawn",
        f"{ACTS}:test_a_mail_not_sent_yet_is_not_sent_any_more_and_nobody_is_told",
        f"{RACES}:test_cancelling_and_drawing",
        f"{RACES}:test_cancelling_and_mailing",
    ],
    "documents: new ones numbered, established on the day": [
        f"{ACTS}:test_documents_are_numbered_anew_and_established_today"
    ],
    "validity: in full": [f"{ACTS}:test_validity_in_full_for_a_wrong_permit_or_birth_date"],
    "validity: kept": [f"{ACTS}:test_validity_kept_for_name_training_and_end_date"],
    "validity: third replacement, an agent": [f"{ACTS}:test_third_replacement_of_a_chain_is_an_agent_s"],
    "driver: found or created, the old row stays": [
        f"{ACTS}:test_driver_found_or_created_and_the_old_row_stays",
        f"{SITUATIONS}:test_driver_the_old_row_stays_while_there_is_anything_of_it",
    ],
    "stranger: space": [
        f"{PLACES}:test_the_stranger_is_told_nothing_of_the_other",
        "e2e/test_corrections:test_the_stranger_s_space_says_nothing_of_the_other_person",
    ],
    "stranger: data export": [f"{PLACES}:test_the_data_copy_leaves_the_stranger_s_line_out_and_keeps_one_s_own"],
}
LEDGER_ROWS = {
    "cancel 2 of 6: moves to 6": [f"{ACTS}:test_cancelling_the_second_moves_the_certificate_to_the_sixth"],
    "replace 2 of 6: stays on 5": [f"{ACTS}:test_replacing_the_second_leaves_it_on_the_fifth"],
    "lost, then completes again": [f"{ACTS}:test_a_certificate_lost_is_regained_and_mailed_again"],
    "the one that completes, replaced in its place": [f"{ACTS}:test_the_one_that_completes_replaced_in_its_place"],
    "another registration's certificate: path B": [
        f"{ACTS}:test_a_module_that_was_another_driver_s",
        f"{ACTS}:test_another_centre_s_certificate_moves_by_an_agent_only",
    ],
    "drivers lock in id order": [f"{RACES}:test_replacing_both_ways_at_once_locks_in_one_order"],
    "live certificates are completing()": ["amendments/test_model:test_the_base_says_what_the_model_says"],
}
CARD_ROWS = {
    "draft": [f"{ACTS}:test_draft_is_cancelled_by_the_centre_alone", f"{RIGHTS}:test_a_draft_for_a_card_is_given_up"],
    "submitted, in_review, accepted": [
        f"{ACTS}:test_sent_in_is_stopped_by_an_agent_and_paid_back",
        f"{RIGHTS}:test_one_that_was_sent_is_an_agent_s_and_stops",
    ],
    "production, sent": [
        f"{ACTS}:test_in_the_making_or_sent_it_waits_for_an_agent",
        f"{SITUATIONS}:test_trainer_s_right_a_card_in_the_making_waits_for_an_agent",
    ],
    "same identity: re-grounded": [f"{ACTS}:test_replacement_of_the_same_person_takes_the_request_along"],
}
LOOK_ALIKE_ROWS = {
    "distance 1, transposition, day and month, year ± 1 digit": [
        f"{LOOKS}:test_one_slip_of_a_known_driver_without_account_is_noted",
        f"{LOOKS}:test_what_is_no_slip_is_not",
    ],
    "day 2 and day 6, « vérifiez avant le »": [f"{LOOKS}:test_on_day_two_and_urgent_on_day_six_until_the_window_ends"],
    "led to no account": [f"{LOOKS}:test_corrected_or_with_an_account_it_waits_no_more"],
    "while typing": ["registration/test_namesakes:test_a_permit_number_one_slip_away_is_told_with_the_one_known"],
}
TEXT_ROWS = {
    "verification page, cancelled": [
        f"{PLACES}:test_verification_says_annulled_and_no_more",
        f"{PLACES}:test_the_public_page_of_a_cancelled_one",
    ],
    "replaced": [f"{PLACES}:test_verification_says_replaced", f"{PLACES}:test_the_public_page_of_the_old_number"],
    "driver's space": [
        f"{PLACES}:test_the_driver_is_told_why_and_finds_the_new_one",
        f"{PLACES}:test_the_driver_s_space",
    ],
    "centre lists": [f"{PLACES}:test_lists_show_them_struck"],
    "exports": [f"{PLACES}:test_exports_say_so_and_give_each_line_once"],
    "API": ["api/test_lists:test_cancelled_and_replaced", f"{CALLS}:test_every_reason_cancels"],
    "counts, dashboards, consumption exclude them": [
        f"{PLACES}:test_counts_and_dashboards_leave_them_out",
        f"{DRAFTS}:test_a_cancelled_registration_is_not_estimated",
        f"{FEES}:test_it_leaves_the_estimate_and_the_consumption",
    ],
}
#: The places that §8 names, as they are called today.
PLACE_ROWS = {
    "accounts": [f"{PLACES}:test_names_of_a_cancelled_line_vouch_for_nobody"],
    "api_reading, api/calls, api/schemas": [f"{PLACES}:test_the_api_shows_the_document_that_holds"],
    "card_desk, card_grounds, card_requests": [
        f"{ACTS}:test_a_cancelled_registration_is_no_ground",
        f"{RACES}:test_cancelling_and_asking_for_a_card",
    ],
    "dashboard": [f"{PLACES}:test_counts_and_dashboards_leave_them_out"],
    "data_of_person": [f"{PLACES}:test_the_data_copy_leaves_the_stranger_s_line_out_and_keeps_one_s_own"],
    "documents, mail": [f"{ACTS}:test_a_document_still_to_be_drawn_is_revoked_and_never_drawn"],
    "driver_fco, fco, fco_due": [f"{ACTS}:test_cancelling_the_second_moves_the_certificate_to_the_sixth"],
    "driver_search, centre_drivers": [f"{PLACES}:test_a_centre_s_drivers_are_those_of_live_lines"],
    "driver_space": [f"{PLACES}:test_the_driver_s_space"],
    "exports of a centre and of agents": [f"{PLACES}:test_exports_say_so_and_give_each_line_once"],
    "facts (own_registrations, own_names)": [
        f"{ACTS}:test_already_registered_ignores_the_cancelled_and_the_one_replaced",
        "registration/test_namesakes:test_a_cancelled_registration_and_one_about_to_be_replaced_count_for_nothing",
    ],
    "invitations, resending": [f"{PLACES}:test_no_invitation_and_no_second_mail_about_them"],
    "pricing (billed), receipts": [f"{PLACES}:test_the_receipt_is_history_with_a_note"],
    "registration_rows, registration_search, registrations, centre_registrations": [
        f"{PLACES}:test_search_finds_them_and_a_filter_tells_them_apart",
        f"{PLACES}:test_lists_show_them_struck",
    ],
    "revocation": [f"{ACTS}:test_a_document_revoked_by_an_agent_is_not_brought_back_by_the_centre"],
    "to_handle, withheld": [f"{PLACES}:test_withheld_ones_wait_for_nobody"],
    "trainer_drafts": [f"{RIGHTS}:test_it_counts_for_nothing_any_more"],
    "webhook_events": [f"{CALLS}:test_the_centre_s_software_is_told"],
    "verification": [f"{PLACES}:test_verification_says_annulled_and_no_more"],
    "document_retention, integrity": ["documents/test_integrity:test_sound_documents_are_found_sound"],
}
ROWS = {
    **SITUATION_ROWS,
    **REASON_ROWS,
    **REPLACEMENT_ROWS,
    **LEDGER_ROWS,
    **CARD_ROWS,
    **LOOK_ALIKE_ROWS,
    **TEXT_ROWS,
    **PLACE_ROWS,
}


@cache
def names_in(file: str) -> set[str]:
    """Return the names of the tests of a file."""
    tree = ast.parse((TESTS / f"{file}.py").read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_its_test(row: str) -> None:
    assert ROWS[row]
    for named in ROWS[row]:
        file, _, name = named.partition(":")
        assert name in names_in(file), f"{row}: {named} is no more"


def test_no_row_is_said_twice() -> None:
    parts = (
        SITUATION_ROWS, REASON_ROWS, REPLACEMENT_ROWS, LEDGER_ROWS, CARD_ROWS, LOOK_ALIKE_ROWS, TEXT_ROWS,
    )  # fmt: skip
    assert sum(map(len, parts)) == len({row for part in parts for row in part})
