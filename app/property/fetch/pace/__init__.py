"""Space out the requests to each site, across all processes that share a Redis."""
