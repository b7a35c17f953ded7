"""Redis or Valkey: connections, the embedded server, and the clock that all processes share."""
