"""The core of the service, independent of how it is run.

Celery, HTTP, and terminal code is in `worker`, `web`, and `cli`.
"""
