"""Compare the fetcher with Scrapy and plain httpx2, on the same sites in a private network."""
