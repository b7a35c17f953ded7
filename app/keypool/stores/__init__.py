"""Stores for the state of the OpenAI keys. `base` has their types, and `script_store` documents their methods."""
