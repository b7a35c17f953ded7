"""The keys of OpenAI as an operator sees and changes them, and how a process takes over changes."""
