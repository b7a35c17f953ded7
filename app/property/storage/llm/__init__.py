"""Cached answers of models, and model requests that wait for a batch."""
