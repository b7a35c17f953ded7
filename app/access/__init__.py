"""Access to the HTTP API and the web pages: tokens, sessions, roles, and rate limits."""
