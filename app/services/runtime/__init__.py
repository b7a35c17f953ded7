"""Shared resources of a process: stores, retries, caches, heartbeats."""
