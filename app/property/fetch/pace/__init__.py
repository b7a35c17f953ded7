"""Limit the rate of requests to each site, across all processes that share a Redis."""
