"""The journal's one vocabulary: each act, subject and value that the program notes has its words, and no word is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import services
from app.models.billing.deposits import ACKNOWLEDGED, FAILED, SENT
from app.models.card import CARD_STATES
from app.services.journal.predicates import OWN, PREDICATES, REACHED, WITHOUT
from app.services.journal.words import ACTIONS, FIELDS, SUBJECTS, action_words
from app.services.reference import rules as reference_rules

SERVICES = Path(services.__file__).parent
APP = SERVICES.parent
#: What an act worked out as it is noted may be: its code with the part worked out left open → what it stands for.
WORKED_OUT = {
    "card.{}": set(CARD_STATES),
    "contract.{}": {"offered", "signed", "withdrawn", "suspended", "resumed", "ended"},
    "{}.{}": {
        f"{model.__tablename__}.{act}" for model in reference_rules.CHECKS for act in ("created", "changed", "deleted")
    },
}
#: Parameters and names by which an act is handed on to who notes it; the caller's own text is found by itself.
HANDED_ON = {"act", "action", "DONE", "REFUSED"}
RECORDS = ("journal.record", "journal.record_each")
CODE = re.compile(r"[a-z_]+\.[a-z_]+")
#: Texts of that shape that are none: tables' columns, files, addresses of screens, settings, events of webhooks.
HEADS = {code.partition(".")[0] for code in ACTIONS}


def trees() -> Iterator[ast.Module]:
    for path in APP.rglob("*.py"):
        if path.parent != SERVICES / "journal" or path.name not in ("words.py", "predicates.py"):
            yield ast.parse(path.read_text())


def records(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of `journal.record` and `journal.record_each`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in RECORDS:
            yield node


def choices(node: ast.expr) -> list[ast.expr]:
    """Return what an argument may be: both sides of « a if … else b »."""
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def open_text(node: ast.JoinedStr) -> str:
    """Return a text worked out as it stands, « {} » for each part."""
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def noted_acts(tree: ast.Module) -> set[str]:
    """Return the acts that a module notes; raise AssertionError for one that cannot be told from the source."""
    found: set[str] = set()
    for call in records(tree):
        for act in choices(call.args[0]):
            if isinstance(act, ast.Constant):
                found.add(act.value)
            elif isinstance(act, ast.JoinedStr):
                shape = open_text(act)
                assert shape in WORKED_OUT, f"say in WORKED_OUT what {shape!r} may be"
                found |= {one if "." in one else shape.replace("{}", one) for one in WORKED_OUT[shape]}
            else:
                assert ast.unparse(act) in HANDED_ON, f"which acts may {ast.unparse(act)!r} be?"
    return found


def handed_on(tree: ast.Module) -> set[str]:
    """Return the acts that a module hands on to who notes them, as an argument or as the value of a name of its own."""
    given: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given += [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Assign):
            given += node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    texts = {one.value for arg in given for one in choices(arg) if isinstance(one, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and CODE.fullmatch(text)}


def test_every_act_that_is_noted_has_words_and_no_words_are_left_over() -> None:
    noted = set().union(*map(noted_acts, trees()))
    given = set().union(*map(handed_on, trees()))
    assert not noted - ACTIONS.keys(), "say these in services/journal/words.py"
    left_over = ACTIONS.keys() - noted - given
    assert not left_over, "nobody notes these any more"


@pytest.mark.parametrize(
    "module",
    [
        "decisions/withheld_documents",
        "decisions/withheld_rights",
        "api/webhooks",
        "rights/invitations",
        "accounts/sign_in",
        "accounts/password_change",
    ],
)
def test_acts_handed_on_within_a_module_have_words(module: str) -> None:
    """Where `journal.record` is given a name, the acts are those that the module's own calls hand to it."""
    tree = ast.parse((SERVICES / f"{module}.py").read_text())
    acts = {text for text in handed_on(tree) if text.partition(".")[0] in HEADS}
    assert acts
    assert acts <= ACTIONS.keys()


def test_every_module_that_hands_acts_on_is_looked_at() -> None:
    """Acts handed over from elsewhere (signing out, a password replaced) are arguments called ``act``, or the second one."""
    outside = {
        call.args[-1].value
        for tree in trees()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).rpartition(".")[2] in ("end_all", "_set")
        and isinstance(call.args[-1], ast.Constant)
    }
    assert outside >= {"sign_in.ended", "sign_in.others_ended", "password.changed", "password.reset"}
    assert outside <= ACTIONS.keys()


def test_words_are_french_and_said_once() -> None:
    for words in (*ACTIONS.values(), *SUBJECTS.values()):
        assert re.match(r"[A-ZÀÉ]", words), words
        assert not re.search(r"_|\b\w+ed\b", words), words
    assert len(set(ACTIONS.values())) == len(ACTIONS), "two acts read the same"
    assert action_words("of.long_ago") == "of.long_ago"


def test_every_subject_that_is_noted_has_a_word_and_no_word_is_left_over() -> None:
    noted = {model.__tablename__ for model in reference_rules.CHECKS}
    for tree in trees():
        subjects = {ast.unparse(call.args[1]) for call in records(tree)}
        noted |= {subject.strip("'") for subject in subjects if subject.startswith("'")}
        if any(subject.endswith("SUBJECT") for subject in subjects):
            noted |= subject_of(tree)
    assert noted == SUBJECTS.keys()


def subject_of(tree: ast.Module) -> set[str]:
    """Return the value of a module's SUBJECT, where it is its own."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = [
                one for target in node.targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])
            ]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                if ast.unparse(name) == "SUBJECT" and isinstance(value, ast.Constant):
                    return {value.value}
    return set()


def test_every_value_that_is_noted_has_a_word() -> None:
    noted = {
        key.value
        for tree in trees()
        for call in records(tree)
        for keyword in call.keywords
        if keyword.arg in ("before", "after") and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if isinstance(key, ast.Constant)
    }
    columns = {column for model in reference_rules.CHECKS for column in model.__table__.columns}
    assert len(noted) > 20
    nameless = noted - FIELDS.keys()
    assert not nameless, "say these in services/journal/words.py"
    assert not {column.key for column in columns if not column.key.startswith("search_")} - FIELDS.keys()


def test_each_act_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert set(PREDICATES) == set(ACTIONS)
    assert {*OWN, *WITHOUT, *(act for act, _ in REACHED)} <= set(PREDICATES)
    every = (*PREDICATES.values(), *OWN.values(), *WITHOUT.values(), *REACHED.values())
    assert all(words.startswith(("a ", "n’a pas pu ")) and ", ou n’" not in words for words in every)
    assert {state for act, state in REACHED if act == "invoice.deposited"} == {SENT, ACKNOWLEDGED, FAILED}
