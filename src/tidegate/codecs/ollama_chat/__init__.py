"""Ollama's own chat format, `/api/chat`: requests out, answers as lines of JSON in, and back.

Source of all shapes: Ollama's source at fb30760 (v0.33.0-rc2), 2026-08-21, read and not run.
"""
