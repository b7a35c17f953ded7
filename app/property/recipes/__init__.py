"""Learned sites: what a host's pages of one template say, read without a model."""
