"""What a process opens, and how it retries, caches, and says that it is alive."""
