"""The Anthropic Messages wire format as DeepSeek serves it at /anthropic/v1/messages, both directions.

`request` reads and `outgoing` writes requests, `encoder` and `decoder` streams, `answer` whole answers, `counts` the
usage object and stop reasons of both. What Messages says and chat does not (documents, deferred tools, signatures) is
translated as DeepSeek's own package does; the rest is in the profile's table `differences`, codes ORA1xx.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24; DeepSeek's create-message reference, October 2026.
"""
