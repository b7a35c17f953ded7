"""The use cases, put together from key pool and properties. Knows nothing of Celery, HTTP servers or terminals."""
