"""Read search result pages: the listings, and the next page. Pure, for any site."""
