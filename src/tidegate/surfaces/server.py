"""The ASGI application: paths to surfaces, listed in one place. Plain ASGI, no framework on the hot path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tidegate.core.errors import GatewayError, MethodNotAllowed, NotFound
from tidegate.surfaces.admin import AdminSurface
from tidegate.surfaces.asgi import Receive, Scope, Send, respond
from tidegate.surfaces.errors import error_body, log_unexpected, unexpected
from tidegate.surfaces.openai import ChatSurface

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
_EXCHANGES = "/-/exchanges/"


class Server:
    def __init__(self, chat: ChatSurface, admin: AdminSurface) -> None:
        self._routes: dict[str, tuple[str, Handler]] = {
            "/chat/completions": ("POST", chat.chat),
            "/v1/chat/completions": ("POST", chat.chat),
            "/models": ("GET", chat.models),
            "/v1/models": ("GET", chat.models),
            "/-/health": ("GET", admin.health),
            "/-/ready": ("GET", admin.ready),
            "/-/status": ("GET", admin.status),
        }
        self._exchange = ("GET", admin.exchange)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"Tidegate serves HTTP, not {scope['type']}")
        path: str = scope["path"]
        try:
            method, handler = self._routes.get(path) or self._route(path)
            if scope["method"] != method:
                raise MethodNotAllowed(f"This path takes {method}")
            await handler(scope, receive, send)
        except GatewayError as error:
            await respond(send, error.status, error_body(error))
        except Exception as error:
            log_unexpected(error)
            await respond(send, 500, error_body(unexpected()))

    def _route(self, path: str) -> tuple[str, Handler]:
        if path.startswith(_EXCHANGES):
            return self._exchange
        raise NotFound("There is no such path; chat is at /chat/completions, models at /models, status at /-/status")
