"""Space out the requests to each site, across all processes of the fleet."""
