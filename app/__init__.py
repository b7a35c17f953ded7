"""The service itself. It does not import Celery, HTTP servers or terminals; worker, web and cli are its interfaces."""
