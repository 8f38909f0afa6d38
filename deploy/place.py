"""Where an installation lies, and how a command of the program is run there: with its settings, as its user.

`REGISTRE_HOME` (/srv/registre): `releases/<name>`, each a checkout with its `.venv`, and `current`, a link to one.
`REGISTRE_SETTINGS` (/etc/registre): `registre.env` for all, `owner.env` for what the owner of the tables does; as for systemd.
`REGISTRE_USER` (registre): who runs the program; empty: whoever asks.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

HOME = Path(os.environ.get("REGISTRE_HOME", "/srv/registre"))
SETTINGS = Path(os.environ.get("REGISTRE_SETTINGS", "/etc/registre"))
USER = os.environ.get("REGISTRE_USER", "registre")
CURRENT = HOME / "current"


def settings(*, owner: bool = False) -> dict[str, str]:
    """Return the settings of the installation; those of the owner of the tables stand over them where asked for."""
    found = _read(SETTINGS / "registre.env")
    return {**found, **_read(SETTINGS / "owner.env")} if owner else found


def _read(path: Path) -> dict[str, str]:
    """Return what an EnvironmentFile of systemd says: NAME=value lines, comments, one pair of quotes around a value."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, is_set, value = line.strip().partition("=")
        if is_set and not name.startswith(("#", ";")):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found[name.strip()] = value[1:-1] if quoted else value
    return found


def flask(release: Path, *words: str, owner: bool = False, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command of a release (`flask --app run …`) and return how it ended."""
    home = release.resolve()
    user = _user()
    environment = {**os.environ, **_own_places(user), **settings(owner=owner), "PWD": str(home)}
    command = [str(home / ".venv/bin/python"), "-m", "flask", "--app", "run", *words]
    return subprocess.run(command, cwd=home, env=environment, text=True, check=False, **_become(user), **options)


def _user() -> pwd.struct_passwd | None:
    """Return the program's user, where we are root and have to become it."""
    return None if os.geteuid() or not USER else pwd.getpwnam(USER)


def _own_places(user: pwd.struct_passwd | None) -> dict[str, str]:
    """Return what the environment says of a user: libraries look for files of its own there (libpq: ~/.postgresql)."""
    return {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name} if user else {}


def _become(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return how a command becomes a user."""
    if user is None:
        return {}
    return {
        "user": user.pw_uid,
        "group": user.pw_gid,
        "extra_groups": os.getgrouplist(user.pw_name, user.pw_gid),
        "umask": 0o077,
    }
