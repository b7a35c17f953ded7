"""Redis or Valkey: the embedded server, and the clock that all processes share."""
