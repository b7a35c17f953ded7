"""Stores for the state of the OpenAI keys. `base` is the interface that all stores implement."""
