"""Use many OpenAI keys as one client.

The modules of `stores` keep the state of the keys and change it atomically. `pool` acquires a key for a request and
reports the outcome. `transport` makes an OpenAI SDK client use the pool.
"""
