"""Find pages about an address: the operator's URL templates, web searches, and the check that a page matches."""
