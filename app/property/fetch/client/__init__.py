"""Send requests and follow redirects within fixed limits."""
