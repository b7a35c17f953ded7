"""The use cases that combine the key pool and properties. They depend on no Celery, HTTP server, or terminal."""
