"""Apply robots.txt (RFC 9309) and cache it."""
