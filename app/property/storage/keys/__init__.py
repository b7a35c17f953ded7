"""The hourly usage of OpenAI keys, and alerts."""
