"""The application for a production server: `gunicorn wsgi:app`, settings from the environment."""

from elearn import create_app

app = create_app()
