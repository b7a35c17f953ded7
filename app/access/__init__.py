"""Who may use the HTTP API and the web pages, and how often."""
