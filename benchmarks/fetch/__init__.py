"""The fetcher beside Scrapy and plain httpx2, on the same sites in a network of their own."""
