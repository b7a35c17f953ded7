"""Read pages of a known template with recipes, so that an LLM is asked less often. Recipes are learned from pages."""
