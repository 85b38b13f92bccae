"""The application for a production server: `gunicorn wsgi:app`, settings from the environment."""

from config import from_environment
from elearn import create_app
from elearn.logs import open_log

open_log(from_environment().log_format)
app = create_app()
