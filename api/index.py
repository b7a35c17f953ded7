"""The web door as Vercel finds it: an ASGI application called `app`. See docs/deployment/vercel.md."""

from web import app

__all__ = ["app"]
