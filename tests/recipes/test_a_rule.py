"""docs/HOWTO.md, « A rule »: added as written, in a copy of the program, it is obeyed at every door; removed, it is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from app.validators.remark import Code
from config import ROOT

#: file → (what stands there, what is put before it): the steps of the recipe, in its order.
STEPS = {
    "app/validators/remark.py": (
        (
            "\n\nHEADERS:",
            '    REFERENCE_IS_ORDER = "reference_is_order"\n    END_DATE_ON_FRIDAY = "end_date_on_friday"\n',
        ),
        ("    (Code.NOT_ACCREDITED,", '    (Code.REFERENCE_IS_ORDER, "reference"): "La référence répète le numéro",\n'),
        ("    (Code.NO_ACCOUNT, None)", '    (Code.END_DATE_ON_FRIDAY, None): "La formation finit un vendredi",\n'),
        ("Code.IDENTITY_DIFFERS, Code.NO_ACCOUNT, Code.LOOKS_ALIKE}", "Code.END_DATE_ON_FRIDAY, "),
    ),
    "app/validators/rules.py": (
        (
            "class Reads(",
            "def reference_is_order(line: Line, context: Context) -> Remark | None:\n"
            "    same = bool(line.reference) and line.reference == line.order_number\n"
            '    return Remark(Code.REFERENCE_IS_ORDER, "reference") if same else None\n\n\n'
            "def end_date_on_friday(line: Line, context: Context) -> Remark | None:\n"
            "    friday = line.end_date is not None and line.end_date.weekday() == 4\n"
            "    return Remark(Code.END_DATE_ON_FRIDAY) if friday else None\n\n\n",
        ),
        (
            "    (not_accredited, Reads",
            "    (reference_is_order, Reads.LINE),\n    (end_date_on_friday, Reads.TRAINING),\n",
        ),
    ),
}
COPIED = ("app", "migrations", "tests", "config.py", "run.py", "pyproject.toml")


def copy(to: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to / name)


def test_a_rule_added_as_the_recipe_says_is_obeyed_and_a_removed_one_is_not(tmp_path: Path) -> None:
    copy(tmp_path)
    for name, changes in STEPS.items():
        text = (tmp_path / name).read_text("utf-8")
        for before, added in changes:
            assert text.count(before) == 1, f"{name} has changed: mend the recipe of docs/HOWTO.md with this test"
            text = text.replace(before, added + before)
        (tmp_path / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/recipes/added_rule.py"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "2 passed" in run.stdout
    assert "reference_is_order" not in [code.value for code in Code]
