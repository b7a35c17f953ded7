"""The service itself. It imports no code of Celery, HTTP servers, or terminals; worker, web, and cli do that."""
