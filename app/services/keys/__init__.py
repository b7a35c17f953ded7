"""Let operators view, act on, and reload OpenAI keys."""
