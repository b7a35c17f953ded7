"""Use many OpenAI keys as one client.

`keys`, `breaker`, `limits`, `outcomes`, and `strategies` hold rules and keep no state. `stores` keep the state of the
keys and change it atomically. `pool` acquires a key for a request and reports the outcome. `transport` does so for an
SDK client.
"""
