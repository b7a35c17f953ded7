"""Apply and cache the robots.txt files of sites (RFC 9309)."""
