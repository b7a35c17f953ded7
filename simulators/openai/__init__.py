"""An OpenAI API on loopback: per-key limits, OpenAI's headers and error bodies, answers read from the text sent.

`python -m simulators.openai --config keys.json` starts it. The key pool and the model step are tested against it at no
cost. It imports nothing of the application.

Searches of the web (`tools=[{"type": "web_search"}]` of `/v1/responses`) are answered from a table that is given to it:
`web_search.py` says what is in it.
"""
