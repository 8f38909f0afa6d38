"""States are closed lists: the code kept in the base, the label people read, and what the base lets in say the same."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import CheckConstraint

from app.models import Batch, CardRequest, Mail, ServiceContract, SignUp, Trainer, WebhookDelivery
from app.models.amendment import CorrectionRequest, RequestState
from app.models.api import DeliveryState
from app.models.batch import BatchState
from app.models.card import CardState, CopyState, DataExport
from app.models.centre import ContractState
from app.models.export import Export, ExportState
from app.models.identity import CheckState, IdentityCheck
from app.models.outbox import MailState
from app.models.registration import Document, DocumentState
from app.models.sign_up import SignUpState
from app.models.trainer import TrainerState
from app.models.types import Labelled
from app.services.core import bulk

STATES = {
    CorrectionRequest: RequestState,
    Batch: BatchState,
    CardRequest: CardState,
    DataExport: CopyState,
    Document: DocumentState,
    Export: ExportState,
    IdentityCheck: CheckState,
    Mail: MailState,
    ServiceContract: ContractState,
    SignUp: SignUpState,
    Trainer: TrainerState,
    WebhookDelivery: DeliveryState,
}


@pytest.mark.parametrize(("table", "states"), STATES.items(), ids=lambda one: one.__name__)
def test_the_base_lets_in_the_codes_of_the_list_and_no_other(table: type, states: type[Labelled]) -> None:
    said = [str(one.sqltext) for one in table.__table__.constraints if isinstance(one, CheckConstraint)]
    lists = [text for text in said if re.fullmatch(r"state IN \([^()]*\)", text)]
    for text in lists:
        assert re.findall(r"'(\w+)'", text) == list(states)
    longest = table.__table__.c.state.type.length
    assert all(len(state) <= longest for state in states)


def test_every_code_has_a_label_of_its_own() -> None:
    for states in Labelled.__subclasses__():
        labels = states.labels()
        assert list(labels) == list(states)
        assert all(labels.values())
        assert len(set(labels.values())) == len(labels)


def test_a_state_is_written_as_its_code() -> None:
    state = BatchState.IN_ERROR
    assert f"{state}" == state == "in_error"
    assert json.dumps(state) == '"in_error"'
    assert {"in_error": 1}[state] == 1
    assert [type(value) for value in bulk.plain([state])] == [str]
