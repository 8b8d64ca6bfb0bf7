"""The ASGI application: paths to surfaces, listed in one place. Plain ASGI, no framework on the hot path."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.asgi import Handler, Receive, Scope, Send, respond
from tidegate.core.errors import GatewayError, MethodNotAllowed, NotFound
from tidegate.surfaces.account import AccountSurface
from tidegate.surfaces.admin import AdminSurface
from tidegate.surfaces.errors import error_body, error_headers, log_unexpected, unexpected

Route = tuple[str, Handler]


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What is offered. `beta_chat` and `fim` are the beta base's; `off_beta` says so to who asks for FIM elsewhere."""

    chat: Handler
    beta_chat: Handler
    fim: Handler
    off_beta: Handler
    messages: Handler
    account: AccountSurface
    admin: AdminSurface
    keys: Handler | None = None
    """None: keys are in the configuration only."""
    metrics: Handler | None = None


class Server:
    def __init__(self, offered: Surfaces) -> None:
        self._routes = _routes(offered)
        self._below = _routes_below(offered)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"Tidegate serves HTTP, not {scope['type']}")
        path: str = scope["path"]
        try:
            method, handler = self._routes.get(path) or self._route(path)
            if scope["method"] != method and scope["method"] not in method.split(", "):
                raise MethodNotAllowed(f"This path takes {method}")
            await handler(scope, receive, send)
        except GatewayError as error:
            await respond(send, error.status, error_body(error), error_headers(error))
        except Exception as error:
            log_unexpected(error)
            await respond(send, 500, error_body(unexpected()))

    def _route(self, path: str) -> Route:
        for beginning, route in self._below.items():
            if path.startswith(beginning):
                return route
        raise NotFound(
            "There is no such path; chat is at /chat/completions, completions with a suffix at /beta/completions, Messages "
            "at /anthropic/v1/messages, models at /models, the balance at /user/balance, status at /-/status and metrics at "
            "/metrics"
        )


def _routes(offered: Surfaces) -> dict[str, Route]:
    """The hosted API answers under its bare address, under /v1 and, with more, under /beta (DeepSeek API reference, 2026-08-02)."""
    account, admin = offered.account, offered.admin
    routes: dict[str, Route] = {
        "/anthropic/v1/messages": ("POST", offered.messages),
        "/anthropic/messages": ("POST", offered.messages),
        "/v1/messages": ("POST", offered.messages),
        "/-/health": ("GET", admin.health),
        "/-/ready": ("GET", admin.ready),
        "/-/status": ("GET", admin.status),
    }
    if offered.keys is not None:
        routes["/-/keys"] = ("GET, POST", offered.keys)
    if offered.metrics is not None:
        routes["/metrics"] = ("GET", offered.metrics)
    for base in ("", "/v1", "/beta", "/beta/v1"):
        beta = base.startswith("/beta")
        routes[f"{base}/chat/completions"] = ("POST", offered.beta_chat if beta else offered.chat)
        routes[f"{base}/completions"] = ("POST", offered.fim if beta else offered.off_beta)
        routes[f"{base}/models"] = ("GET", account.models)
        routes[f"{base}/user/balance"] = ("GET", account.balance)
    return routes


def _routes_below(offered: Surfaces) -> dict[str, Route]:
    """Paths whose last part is a name."""
    models: dict[str, Route] = {
        f"{base}/models/": ("GET", offered.account.model) for base in ("", "/v1", "/beta", "/beta/v1")
    }
    keys: dict[str, Route] = {} if offered.keys is None else {"/-/keys/": ("GET, DELETE", offered.keys)}
    return models | keys | {"/-/exchanges/": ("GET", offered.admin.exchange)}
