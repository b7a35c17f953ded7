"""The core of the service. Celery, HTTP, and terminal code is in the packages `worker`, `web`, and `cli`."""
