"""The service itself, which imports no Celery, HTTP server, or terminal. Its interfaces are worker, web, and cli."""
