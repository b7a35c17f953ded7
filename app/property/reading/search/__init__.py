"""Read a search results page of any site: its listings and the URL of the next page."""
