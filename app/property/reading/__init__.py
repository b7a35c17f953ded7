"""Read property values with their quotes from pages without a model, and check the values that a model claims."""
