"""Cached model answers, parked model requests, and the OpenAI batches that answer them."""
