"""The text-completions wire format (fill in the middle, `POST /beta/completions`), both directions.

`request` reads and writes requests, `chunks` streams, `answer` whole answers.
Source: DeepSeek API reference, create-completion, 2026-08-02. A streamed chunk of the hosted API was never seen: its
shape here is that of a whole answer with a piece of the text, as OpenAI's completions stream it.
"""
