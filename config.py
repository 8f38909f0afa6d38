"""Settings, read from the environment; each one is described in `.env.example`."""

from __future__ import annotations

import os
import re
from copy import copy
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from app.roles import AGENT, FAB_ROLES

ROOT = Path(__file__).resolve().parent
#: Known to everybody who reads this file: good for a demonstration on one's own machine, refused in production.
DEFAULT_SECRET = "demonstration-only-secret-change-me"  # noqa: S105


#: An address that reaches nobody: good for a demonstration.
NO_CONTACT = "assistance@registre-cqc.example"
#: What production accepts only where ACCEPTED_RISKS names it: a base without row-level security, a role it does not hold for.
SQLITE, ONE_ROLE = "sqlite", "one-role"
RISKS = (SQLITE, ONE_ROLE)
#: What the demonstration holds: a year of a centre's work, or accounts and reference data alone.
YEAR, BARE = "year", "bare"
#: The invoicing platform that hands nothing over to anybody.
SIMULATED = "simulated"
#: What stands in DATABASE_OWNER_URL where this process is not to know the owner's address.
ELSEWHERE = "elsewhere"


class ConfigurationError(RuntimeError):
    """The settings do not allow the program to start; the message says which one and why."""


def _today(text: str) -> date | None:
    """Return the day that `TODAY` freezes, or None; raise :class:`ConfigurationError` when it is not an ISO date."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"TODAY must be an ISO date (2022-01-10), not {text!r}") from None


def _documents_url(text: str) -> str:
    """Return the address of the store; raise :class:`ConfigurationError` when it is none we know."""
    url = urlsplit(text)
    known = {"": not text, "file": url.path.startswith("/") and not url.netloc, "s3": bool(url.netloc)}
    if not known.get(url.scheme):
        raise ConfigurationError(f"DOCUMENTS_URL must be file:///folder or s3://bucket/prefix, not {text!r}")
    return text


def _seed(text: str) -> str:
    """Return what the demonstration is to hold; raise :class:`ConfigurationError` when it is neither of the two."""
    if text not in (YEAR, BARE):
        raise ConfigurationError(f"SEED must be {YEAR} or {BARE}, not {text!r}")
    return text


def _risks(text: str) -> frozenset[str]:
    """Return the risks that the operator accepts; raise :class:`ConfigurationError` when one is none that we know."""
    named = frozenset(word.strip() for word in text.split(",") if word.strip())
    if unknown := sorted(named.difference(RISKS)):
        raise ConfigurationError(f"ACCEPTED_RISKS knows {', '.join(RISKS)}, not {unknown[0]!r}")
    return named


def _platform(text: str) -> str:
    """Return the platform named; raise :class:`ConfigurationError` when it is none that the program knows."""
    if text not in ("", SIMULATED):
        raise ConfigurationError(f"EINVOICE_PLATFORM must be {SIMULATED}, the only one there is so far, not {text!r}")
    return text


class Config:
    """What every environment shares. Reading them is all that happens here."""

    ENVIRONMENT = "development"
    #: What `SEED` is where it is not set.
    USUAL_SEED = YEAR

    # Flask-AppBuilder: screens, roles and tables are ours; it creates nothing by itself.
    APP_NAME = "Registre CQC"
    AUTH_TYPE = 1
    #: Whom `flask fab create-admin` makes: an agent, who sees the whole back office.
    AUTH_ROLE_ADMIN = AGENT
    FAB_ROLES = FAB_ROLES
    FAB_BASE_TEMPLATE = "base.html"
    FAB_INDEX_VIEW = "app.views.shell.index.IndexView"
    FAB_SECURITY_MANAGER_CLASS = "app.views.accounts.security.RegistreSecurityManager"
    FAB_CREATE_DB = False
    FAB_UPDATE_PERMS = False
    FAB_ADD_OPENAPI_VIEWS = False
    FAB_ADD_MENU_API = False
    FAB_API_SWAGGER_UI = False
    FAB_PASSWORD_HASH_METHOD = "scrypt"  # noqa: S105
    BABEL_DEFAULT_LOCALE = "fr"
    BABEL_DEFAULT_TIMEZONE = "Europe/Paris"
    LANGUAGES = {"fr": {"flag": "fr", "name": "Français"}}

    SESSION_COOKIE_HTTPONLY = True
    #: What `Strict-Transport-Security` says; empty: nothing.
    HSTS = ""
    SESSION_COOKIE_SAMESITE = "Lax"
    #: A cookie older than this is not read; sign-ins themselves end earlier (IDLE_MINUTES, SESSION_HOURS).
    PERMANENT_SESSION_LIFETIME = 24 * 3600
    WTF_CSRF_TIME_LIMIT = 8 * 3600
    MAX_FORM_MEMORY_SIZE = 4 * 1024 * 1024
    MAX_FORM_PARTS = 1000
    #: The largest file is 10 Mo; the envelope of the form comes on top.
    MAX_CONTENT_LENGTH = 10 * 1024 * 1024 + 64 * 1024
    SEND_FILE_MAX_AGE_DEFAULT = 3600
    #: Seconds for which a process knows what people are told without asking the base again.
    INCIDENT_SECONDS = 5
    #: Seconds for which a migration waits for a table on PostgreSQL, everybody behind it. Below its `deadlock_timeout` of one
    #: second: where the two wait for each other, the migration gives up before anybody's request is taken for the culprit.
    MIGRATION_LOCK_SECONDS = 0.9
    #: Seconds for which it tries again, everybody at work in between.
    MIGRATION_PATIENCE = 60
    #: Calls of the API that one key may make in a minute.
    API_CALLS_PER_MINUTE = 600

    MAIL_SUPPRESS_SEND = False
    SQLALCHEMY_TRACK_MODIFICATIONS = False
    QUEUE_NAME = "registre"
    ISSUER = "IN Groupe, exploitant du Registre CQC"

    def __init__(self, env: dict[str, str] | None = None) -> None:
        env = dict(os.environ) if env is None else env
        get = env.get
        self.PORT = int(get("PORT", "8080"))
        self.DATA_DIR = Path(get("DATA_DIR") or ROOT / "data").resolve()
        self.SECRET_KEY = get("SECRET_KEY") or DEFAULT_SECRET
        #: Secrets used before that are still taken, the last one first: what they signed or encrypted is read.
        self.SECRET_KEY_FORMER = tuple(get("SECRET_KEY_FORMER", "").split())
        # Flask reads sign-in cookies, and Flask-WTF the tokens of forms, that were made under them.
        self.SECRET_KEY_FALLBACKS = list(self.SECRET_KEY_FORMER)
        self.WTF_CSRF_SECRET_KEY = [*reversed(self.SECRET_KEY_FORMER), self.SECRET_KEY]
        self.BASE_URL = (get("BASE_URL") or f"http://127.0.0.1:{self.PORT}").rstrip("/")
        self.SQLALCHEMY_DATABASE_URI = _database_url(get("DATABASE_URL") or f"sqlite:///{self.DATA_DIR}/registre.db")
        self.SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True}
        #: The same base as the owner of its tables, who migrates and purges; empty: DATABASE_URL is the owner's.
        self.IS_OWNER_ELSEWHERE = get("DATABASE_OWNER_URL") == ELSEWHERE
        self.DATABASE_OWNER_URL = "" if self.IS_OWNER_ELSEWHERE else _database_url(get("DATABASE_OWNER_URL", ""))
        #: These settings are the owner's, for a step of his (`as_owner`).
        self.IS_OWNER = False
        self.ACCEPTED_RISKS = _risks(get("ACCEPTED_RISKS", ""))
        #: Empty: the queue that the program starts itself, on a unix socket of its data folder.
        self.REDIS_URL = get("REDIS_URL", "")
        #: Empty: `documents/` of the data folder.
        self.DOCUMENTS_URL = _documents_url(get("DOCUMENTS_URL", ""))
        self.ANTIVIRUS_URL = get("ANTIVIRUS_URL", "")
        self.TODAY = _today(get("TODAY", ""))
        self.SEED = _seed(get("SEED") or self.USUAL_SEED)
        self.OUTBOX_LEASE = int(get("OUTBOX_LEASE", "120"))
        self.RELAY_SECONDS = int(get("RELAY_SECONDS", "15"))
        self.QUEUE_NAME = get("QUEUE_NAME") or self.QUEUE_NAME
        #: Empty: mails are written to `mails/*.eml` of the data folder.
        self.MAIL_SERVER = get("MAIL_SERVER", "")
        self.MAIL_PORT = int(get("MAIL_PORT", "25"))
        self.MAIL_USE_TLS = get("MAIL_USE_TLS", "") == "1"
        self.MAIL_USERNAME = get("MAIL_USERNAME") or None
        self.MAIL_PASSWORD = get("MAIL_PASSWORD") or None
        self.MAIL_DEFAULT_SENDER = get("MAIL_DEFAULT_SENDER", "Registre CQC <ne-pas-repondre@registre-cqc.example>")
        #: Where people reach the operator: said in the help and at the foot of every page.
        self.CONTACT_EMAIL = get("CONTACT_EMAIL") or NO_CONTACT
        self.CONTACT_PHONE = get("CONTACT_PHONE", "")
        #: PEM files of the seal; empty: a demonstration authority, made at first start in `seal/` of the data folder.
        self.SEAL_KEY = get("SEAL_KEY", "")
        self.SEAL_KEY_PASSWORD = get("SEAL_KEY_PASSWORD", "")
        self.SEAL_CERTIFICATE = get("SEAL_CERTIFICATE", "")
        self.SEAL_FORMER = get("SEAL_FORMER", "")
        #: PEM file of the key that signs QR codes and the list of revocations; empty: one made at first start in `statements/`.
        self.STATEMENT_KEY = get("STATEMENT_KEY", "")
        self.STATEMENT_KEY_PASSWORD = get("STATEMENT_KEY_PASSWORD", "")
        self.STATEMENT_FORMER = get("STATEMENT_FORMER", "")
        #: Minutes without a request after which a sign-in ends: of agents and legal representatives, of everybody else.
        self.IDLE_MINUTES_PRIVILEGED = int(get("IDLE_MINUTES_PRIVILEGED", "30"))
        self.IDLE_MINUTES = int(get("IDLE_MINUTES", "120"))
        #: Hours after which a sign-in ends whatever is done.
        self.SESSION_HOURS = int(get("SESSION_HOURS", "12"))
        #: Drivers it never registered of whom a centre is told in a day whether they have an account; 0 is no limit.
        self.STRANGERS_PER_DAY = int(get("STRANGERS_PER_DAY") or "5000")
        self.SECOND_FACTOR_FOR_AGENTS = self._asks_second_factor(get("SECOND_FACTOR_FOR_AGENTS", ""))
        #: Port of `/metrics`; 0 keeps no figures. Never the public one.
        self.METRICS_PORT = int(get("METRICS_PORT") or "0")
        self.METRICS_HOST = get("METRICS_HOST") or "127.0.0.1"
        #: `module:function` that is told of each request, work and command as it ends (`services.core.trace`); empty: nobody.
        self.TRACE_EXPORTER = get("TRACE_EXPORTER", "")
        self.WEB_PROCESSES = int(get("WEB_PROCESSES", "2"))
        self.TRUSTED_PROXIES = int(get("TRUSTED_PROXIES", "0"))
        #: Webhooks may go to http:// and to private addresses: to try them on one machine.
        self.WEBHOOK_PRIVATE_ADDRESSES = get("WEBHOOK_PRIVATE_ADDRESSES", "") == "1"
        #: The invoicing platform; empty: the simulated one, which production accepts only written out.
        self.EINVOICE_PLATFORM = _platform(get("EINVOICE_PLATFORM", ""))

    @staticmethod
    def _asks_second_factor(said: str) -> bool:
        return said == "1"

    @property
    def QUEUE_SOCKET(self) -> Path:
        """Return the unix socket of the embedded queue."""
        return self.DATA_DIR / "queue" / "queue.sock"

    def as_owner(self) -> Config:
        """Return the same settings on the base as the owner of its tables."""
        settings = copy(self)
        settings.SQLALCHEMY_DATABASE_URI = self.DATABASE_OWNER_URL or self.SQLALCHEMY_DATABASE_URI
        settings.IS_OWNER = True
        return settings

    def check(self) -> None:
        """Raise :class:`ConfigurationError` when these settings must not run; development and tests always may."""


class Development(Config):
    """One machine, demonstration data, embedded queue, mails to files."""


class Test(Config):
    """Tests: the same program, quick password hashes, forms without token (a test of its own keeps it on)."""

    ENVIRONMENT = "test"
    USUAL_SEED = BARE
    TESTING = True
    #: Tests that count statements meet the one that asks for messages at the first request alone.
    INCIDENT_SECONDS = 3600
    FAB_PASSWORD_HASH_METHOD = "pbkdf2:sha256:1"  # noqa: S105
    WTF_CSRF_ENABLED = False


class Production(Config):
    """Refuses what would lose trust: a known secret, the embedded queue, no antivirus, a demonstration's seal, a frozen day,
    a base in which no centre is walled off, agents without a second factor."""

    ENVIRONMENT = "production"
    #: `__Host-`: browsers take it from this very host alone, by TLS.
    SESSION_COOKIE_NAME = "__Host-registre"
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_PATH = "/"
    PREFERRED_URL_SCHEME = "https"
    HSTS = "max-age=31536000; includeSubDomains"

    def check(self) -> None:
        """Raise :class:`ConfigurationError` naming the first setting that production does not accept."""
        refusals = (
            (
                self.SECRET_KEY == DEFAULT_SECRET or len(self.SECRET_KEY) < 32,
                "SECRET_KEY must be set, 32 characters or more",
            ),
            (
                any(one == DEFAULT_SECRET or len(one) < 32 for one in self.SECRET_KEY_FORMER),
                "SECRET_KEY_FORMER must hold keys of 32 characters or more, with spaces between them",
            ),
            (not self.REDIS_URL, "REDIS_URL must be set: the embedded queue is for one machine"),
            (not self.ANTIVIRUS_URL, "ANTIVIRUS_URL must be set: files are never taken unchecked"),
            (
                not self.SEAL_KEY or not self.SEAL_CERTIFICATE,
                "SEAL_KEY and SEAL_CERTIFICATE must be set: documents are not sealed by a demonstration",
            ),
            (
                not self.STATEMENT_KEY,
                "STATEMENT_KEY must be set: QR codes are not signed by a demonstration "
                "(openssl ecparam -name prime256v1 -genkey -noout makes one)",
            ),
            (
                self.CONTACT_EMAIL == NO_CONTACT,
                "CONTACT_EMAIL must be set: the help says where the operator is reached",
            ),
            (self.TODAY is not None, "TODAY must not be set: the day is the real one"),
            (
                self.WEBHOOK_PRIVATE_ADDRESSES,
                "WEBHOOK_PRIVATE_ADDRESSES must not be set: a centre's webhook would reach our own network",
            ),
            (
                not self.EINVOICE_PLATFORM,
                "EINVOICE_PLATFORM must be set: « simulated » says in words that no invoice leaves this register",
            ),
            (not self.BASE_URL.startswith("https://"), "BASE_URL must be set to the https address of the site"),
            (
                not self.SECOND_FACTOR_FOR_AGENTS,
                "SECOND_FACTOR_FOR_AGENTS must not be 0: agents see every centre's drivers",
            ),
            *self._base_refusals(),
        )
        for refused, why in refusals:
            if refused:
                raise ConfigurationError(why)

    @staticmethod
    def _asks_second_factor(said: str) -> bool:
        return said != "0"

    def _base_refusals(self) -> tuple[tuple[bool, str], ...]:
        """Return what would leave the program's own filters alone between the centres, and bases that are none."""
        url = make_url(self.SQLALCHEMY_DATABASE_URI)
        if url.get_backend_name() == "sqlite":
            return (
                (
                    SQLITE not in self.ACCEPTED_RISKS,
                    "DATABASE_URL must be set to a PostgreSQL base: SQLite has no row-level security "
                    "(ACCEPTED_RISKS=sqlite accepts that)",
                ),
            )
        owner = make_url(self.DATABASE_OWNER_URL) if self.DATABASE_OWNER_URL else None
        alone = not self.IS_OWNER_ELSEWHERE and (owner is None or owner.username == url.username)
        return (
            (url.get_backend_name() != "postgresql", "DATABASE_URL must be set to a PostgreSQL base"),
            (
                alone and not self.IS_OWNER and ONE_ROLE not in self.ACCEPTED_RISKS,
                "DATABASE_OWNER_URL must be set to the base as the owner of its tables, another role than DATABASE_URL's, or "
                "to « elsewhere » where this process is not to know it: row-level security does not hold for the owner "
                "(ACCEPTED_RISKS=one-role accepts that)",
            ),
            (
                owner is not None and owner.database != url.database,
                "DATABASE_OWNER_URL and DATABASE_URL must name the same base",
            ),
        )

    @property
    def TRUSTED_HOSTS(self) -> list[str]:
        """Return the only host names answered to: the one of BASE_URL (mails take their links from it, too)."""
        return [re.sub(r"^https?://([^/:]+).*", r"\1", self.BASE_URL)]


def _database_url(url: str) -> str:
    """Return the address with the driver we ship (psycopg) where none is named."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


def from_environment(env: dict[str, str] | None = None) -> Config:
    """Return the settings that `ENVIRONMENT` names (development by default), checked."""
    name = (os.environ if env is None else env).get("ENVIRONMENT", "development")
    classes = {"development": Development, "test": Test, "production": Production}
    if name not in classes:
        raise ConfigurationError(f"ENVIRONMENT must be one of {', '.join(classes)}, not {name!r}")
    config = classes[name](env)
    config.check()
    return config
