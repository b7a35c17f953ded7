"""An OpenAI API on loopback: per-key limits, OpenAI's headers and error bodies, answers read from the text sent.

`python -m standin.openai --config keys.json` starts it. It exists so that the key pool and the model step can be tried
against a server that behaves like the real one, without a cent; it imports nothing of the application.

Searches of the web (`tools=[{"type": "web_search"}]` of `/v1/responses`) are answered from a table that is given to it:
`web_search.py` says what is in it.
"""
