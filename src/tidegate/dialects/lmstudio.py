"""LM Studio's server, which is closed source: declared from its documentation and its bug tracker, never run here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tidegate.codecs.answers import load_chunk
from tidegate.codecs.sse import Decoder, ServerEvent
from tidegate.core.errors import BackendRefused, BrokenContract, ClientMistake, GatewayError, NotSupported
from tidegate.core.events import Event, Reasoning, Start
from tidegate.core.requests import ChatRequest, NamedTool
