"""A healthy key by chance, each equally likely."""

LUA = "chance"
