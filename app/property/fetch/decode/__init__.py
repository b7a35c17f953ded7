"""Turn response bodies into text and recognize what they are."""
