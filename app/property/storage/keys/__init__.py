"""The hourly usage history of OpenAI keys, and alerts."""
