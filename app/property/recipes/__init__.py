"""Read pages of a known template without a model. Recipes are learned from values verified on earlier pages."""
