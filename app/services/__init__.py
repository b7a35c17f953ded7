"""The use cases that combine the key pool and properties. They do not depend on Celery, HTTP servers, or terminals."""
