"""Use many OpenAI keys as one client.

`keys`, `breaker`, `limits`, `outcomes` and `strategies` are pure rules. `stores` hold the state and change it
atomically. `pool` acquires a key for a request and reports the outcome. `transport` does so under every SDK method.
"""
