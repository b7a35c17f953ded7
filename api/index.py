"""The web server for Vercel: an ASGI application called `app`. See docs/deployment/vercel.md."""

from web import app

__all__ = ["app"]
