"""The web server: HTTP API and web pages. Run it with `uvicorn web:app`. Settings are not read at import."""

from app.settings import load_settings
from web.application import create_app

__all__ = ["app", "create_app"]

app = create_app(load_settings)
