"""The key with the fewest requests in a rolling hour, so that a key added today is not alone until it has caught up."""

LUA = "requests_last_hour + chance"
