"""Find pages about an address by URL templates and web searches, and check whether a page is about the address."""
