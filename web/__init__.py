"""The web door: admin API and job API. `uvicorn web:app` serves it; importing it reads no environment."""

from app.settings import load_settings
from web.application import create_app

__all__ = ["app", "create_app"]

app = create_app(load_settings)
