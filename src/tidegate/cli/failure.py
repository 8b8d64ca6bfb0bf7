"""A command that did its part and has bad news: exit code 1, where wrong use is 2."""

from __future__ import annotations


class GatewaySaid(Exception):
    """The gateway answered with an error, or broke off; `message` is for the person at the terminal."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
