"""An e-learning system whose "completed" can be believed: one application, wired here and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Config, from_environment
from elearn import i18n
from elearn.models import tables
from elearn.models.database import db, open_engine_options
from elearn.models.slow import watch_statements
from elearn.services import certificates, federation, health, library
from elearn.services.spelling import LONGEST_EMAIL
from elearn.web import (
    access,
    addresses,
    admin,
    assets,
    auth,
    errors,
    factor,
    headers,
    my_data,
    officer,
    public,
    reference,
    single_sign_on,
    supervisor,
    trainer,
    watching,
)

MIGRATIONS = Path(__file__).parent.parent / "migrations"
LARGEST_BODY = 2 * 1024 * 1024
LARGEST_FORM = 64 * 1024  # without files; the longest form of ours has 48 short fields
MOST_FIELDS = 1000

__all__ = ["create_app", "tables"]


def create_app(config: Config | None = None) -> Flask:
    """The application behind `config`; without one, behind the environment. Raises config.BadSetting."""
    config = config or from_environment()
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(__name__, static_folder=None)
    app.config.update(
        ELEARN=config,
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_PARTS=MOST_FIELDS,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        SESSION_COOKIE_NAME="__Host-elearn" if config.https else "elearn",
        SESSION_COOKIE_SECURE=config.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SQLALCHEMY_DATABASE_URI=config.database_url,
        # What a failed statement was given is somebody's data: no error, and so no log, quotes it.
        SQLALCHEMY_ENGINE_OPTIONS={
            **open_engine_options(config.database_url, config.database_connections),
            "hide_parameters": True,
        },
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if config.trusted_proxies:
        n = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    _open_records(app, config)
    _open_doors(app)
    return app


def _open_records(app: Flask, config: Config) -> None:
    """The database, the courses and the signing keys."""
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    with app.app_context():
        watch_statements(db.engine, config.slow_ms)
        library.open_library(
            app, config.content_dir, config.private_content_dir, config.data_dir, datetime.now(UTC).date()
        )
    health.open_health(app, config.data_dir, MIGRATIONS)
    keys = certificates.ensure_keys(config.signing_keys)
    federation.open_provider(app, config, config.base_url + single_sign_on.RETURN)
    certificates.open_issuing(app, certificates.Issuing(config.organisation, config.base_url, keys, config.timezone))


def _open_doors(app: Flask) -> None:
    """The pages, and what stands before each of them."""
    watching.init(app)
    addresses.guard(app)
    access.guard(app)
    headers.init(app)
    errors.init(app)
    assets.init(app)
    for room in (admin, auth, factor, my_data, officer, public, reference, single_sign_on, supervisor, trainer):
        app.register_blueprint(room.bp)
    if app.config["ELEARN"].metrics:
        # Only where it is enabled: it brings a library and a file for each process along.
        from elearn.web import metrics

        metrics.open_metrics(app, app.config["ELEARN"].data_dir)
    app.jinja_env.globals.update(
        _=i18n._,
        n_=i18n.n_,
        day=i18n.day,
        clock=i18n.clock,
        number=i18n.number,
        said=i18n.said,
        language=i18n.language,
        language_names=i18n.NAMES,
        csrf_token=access.csrf_token,
        longest_email=LONGEST_EMAIL,
        viewer=access.viewer_or_none,
    )
