"""OpenAI keys for operators: views, actions, and reloads."""
