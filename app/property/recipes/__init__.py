"""Read pages of a known template without an LLM. Recipes are learned from verified values of earlier pages."""
