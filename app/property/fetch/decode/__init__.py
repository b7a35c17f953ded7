"""Turn response bodies into text and recognize their kind."""
