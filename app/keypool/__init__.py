"""Many OpenAI keys behave as one client. Knows nothing of properties, tasks or doors.

`keys`, `breaker`, `limits`, `outcomes`, `admission` and `strategies` are pure rules; `stores` hold state atomically;
`pool` takes a key for a request and reports how it went; `transport` puts that under every SDK method.
"""
