"""The labelled pages through everything: enqueued, fetched over HTTP, read by a prefork worker, stored, then scored."""
