"""A simulated OpenAI API on loopback: per-key limits, OpenAI's headers and errors, and answers taken from the prompt.

`python -m simulators.openai --config keys.json` starts it. It imports nothing from the application.

Web searches (`tools=[{"type": "web_search"}]` of `/v1/responses`) are answered from a configured table; see
`web_search.py`.
"""
