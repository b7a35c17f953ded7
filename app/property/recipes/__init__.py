"""Learned sites: read the pages of a site's template without a model, from values verified on earlier pages."""
