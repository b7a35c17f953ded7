"""The core of the service. Code for Celery is in `tasks` and `worker`, for HTTP in `web`, for the terminal in `cli`."""
