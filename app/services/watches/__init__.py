"""Watched targets: their budget of pages and model calls, and the tick that enqueues them."""
