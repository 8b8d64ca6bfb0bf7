"""llama.cpp's own completion format, `/completion` and `/infill`: its answers, read. Requests are the dialect's.

Source of all shapes: llama.cpp b11549 (xllamacpp 2026.10.11549), run 2026-11-22 and 2026-11-24.
"""
