"""A scrape job: pages and sources are fetched, read, asked about, and stored."""
