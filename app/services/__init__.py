"""Use cases that combine the key pool and properties. Independent of Celery, HTTP servers, and terminals."""
