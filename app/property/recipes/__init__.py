"""Read the pages of a known template without a model, by recipes learned from values verified on earlier pages."""
