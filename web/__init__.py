"""The web server: HTTP API and pages. `uvicorn web:app` serves it. Importing it reads no environment."""

from app.settings import load_settings
from web.application import create_app

__all__ = ["app", "create_app"]

app = create_app(load_settings)
