"""The chat-completions wire format with DeepSeek's additive fields, both directions.

`request` reads and writes requests, `chunks` streams, `answer` whole answers, `usage` the token counts in both.
Source: DeepSeek API reference, create-chat-completion, 2026-08-27; frames of `deepseek-recipe` 0.2.0, 2026-11-22.
"""
