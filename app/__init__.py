"""Registre CQC: registration of the professional trainings of truck and coach drivers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.validators.memory import collector_paused

if TYPE_CHECKING:
    from flask import Flask

    from config import Config


@collector_paused()  # nearly all that a start makes stays: walking it again and again took a quarter of its time
def create_app(config: Config | None = None) -> Flask:
    """Return the application for these settings (those of the environment by default).

    Raises `config.ConfigurationError` when the settings must not run (production on a default secret …).
    """
    from flask import Flask

    from app.extensions import csrf, db, mail, migrate, new_appbuilder
    from config import ROOT, from_environment

    config = config or from_environment()
    config.check()
    app = Flask(__name__)
    app.config.from_object(config)
    app.extensions["settings"] = config
    if config.TRUSTED_PROXIES:
        from werkzeug.middleware.proxy_fix import ProxyFix

        # Limits count by a person's address: behind proxies it is the one they pass on, from as many of them as are ours.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.TRUSTED_PROXIES, x_proto=config.TRUSTED_PROXIES)  # type: ignore[method-assign]
    _keep_to_ourselves(config.DATA_DIR)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    mail.init_app(app)
    with app.app_context():
        from app import cli, models, views  # noqa: F401  models: every table on the one metadata
        from app.services.operations import database_role
        from app.services.seal import sealing, statement_key

        appbuilder = new_appbuilder()
        appbuilder.init_app(app, db.session)
        views.register(app, appbuilder)
        csrf.init_app(app)  # looks at a form once it is known who sends it: its refusal stands on their page
        cli.register(app)
        if config.ENVIRONMENT == "production":
            sealing.authority()
            statement_key.keys()
            database_role.check_walls()
    return app


def _keep_to_ourselves(folder: Path) -> None:
    """Make the data folder ours alone, and whatever this process and its children write from now on.

    Raises `config.ConfigurationError` when others own it.
    """
    from config import ConfigurationError

    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        for path in (folder, *folder.iterdir()):
            if path.stat().st_mode & 0o077 and not path.is_symlink():
                path.chmod(0o700 if path.is_dir() else 0o600)
    except PermissionError:
        raise ConfigurationError(f"DATA_DIR must belong to who runs the program: {folder}") from None
