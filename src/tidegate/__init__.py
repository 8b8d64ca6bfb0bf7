"""Tidegate: one DeepSeek-compatible endpoint in front of the hosted API and every local runtime."""

__version__ = "0.1.0"
