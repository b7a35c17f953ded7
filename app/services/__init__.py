"""The use cases that combine the key pool and properties, independent of Celery, HTTP servers, and terminals."""
