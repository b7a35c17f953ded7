"""Pages of results: the listings that one names, and the page that goes on where it ends. Pure, for any site."""
