"""The files in `deploy/` and `compose.yaml`: each is one that its program takes, and all start the same processes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import ROOT
from tests.backends import missing

UNITS = ROOT / "deploy" / "systemd"
#: What stands for a folder of the machine that this one does not have.
ABSENT = re.compile(r"is not executable: No such file or directory$")


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"])


def ours() -> dict[str, dict[str, Any]]:
    """Return the services that are the program's."""
    return {name: service for name, service in compose().items() if service.get("build") == "."}


def command(words: str) -> str:
    """Return a command line as what it runs: without the environment's folder, nor where the web listens and a backup lies."""
    kept = re.sub(r" --bind \S+| /\S*backups\S*| --verify", "", words)
    first, _, rest = kept.partition(" ")
    return f"{Path(first).name} {rest}"


def commands_of_units() -> set[str]:
    found = set()
    for path in UNITS.glob("*.service"):
        parser = ConfigParser(strict=False, interpolation=None)
        parser.read(path)
        found.add(command(parser["Service"]["ExecStart"]))
    return found


def test_compose_is_one_by_its_own_schema() -> None:
    tool = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent)) or shutil.which("check-jsonschema")
    if tool is None:
        missing("check-jsonschema")
    words = [str(tool), "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_containers_run_what_the_units_run() -> None:
    """The units' own command lines are run by tests/upgrading/test_exploitation.py, and so are those of `prepare`."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    default = re.search(r"^CMD (\[.+\])$", dockerfile, re.M)
    assert default is not None
    image = " ".join(yaml.safe_load(default[1]))
    run = {name: service.get("command", image) for name, service in ours().items()}
    page = (ROOT / "docs" / "EXPLOITATION.md").read_text()
    steps = shlex.split(run.pop("prepare"))[-1].split(" && ")
    assert all(step.replace("flask --app run", "deploy/registre --owner") in page for step in steps), steps
    assert {command(words) for words in run.values()} == commands_of_units()


def test_what_compose_sets_is_a_setting() -> None:
    described = (ROOT / ".env.example").read_text()
    named = {name for service in ours().values() for name in service["environment"]}
    assert {name for name in named if f"\n{name}=" not in described} == set()


def test_the_image_holds_what_the_program_needs() -> None:
    """Whatever stands at the top of the program and is imported or read by it is copied."""
    copied = set(re.findall(r"\S+", " ".join(re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), re.M))))
    assert {"run.py", "config.py", "gunicorn.conf.py", "migrations", "app", "requirements.lock"} <= copied


def test_systemd_takes_the_units() -> None:
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze")
    paths = [str(path) for path in sorted(UNITS.iterdir())]
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if not ABSENT.search(line)]
    assert not told


@pytest.mark.parametrize("timer", sorted(path.name for path in UNITS.glob("*.timer")))
def test_a_timer_has_its_service_and_an_hour(timer: str) -> None:
    assert (UNITS / timer).with_suffix(".service").is_file()
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze")
    parser = ConfigParser(interpolation=None)
    parser.read(UNITS / timer)
    words = ["systemd-analyze", "calendar", parser["Timer"]["OnCalendar"]]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
