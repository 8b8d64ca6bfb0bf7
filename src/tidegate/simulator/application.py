"""The ASGI application: the hosted API's paths, and the simulator's own under `/-/`. All paths are listed here.

An unknown path and a wrong method get an empty body, as the hosted API gives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tidegate.asgi import Receive, Scope, Send
from tidegate.simulator.admin import Admin
from tidegate.simulator.chat import ChatSurface
from tidegate.simulator.completions import FimSurface
from tidegate.simulator.delivery import Delivery
from tidegate.simulator.hosted import MODELS_PATH, Hosted
from tidegate.simulator.messages import MessagesSurface
from tidegate.simulator.parts import Parts
from tidegate.simulator.refusals import refusal
from tidegate.simulator.session import Session
from tidegate.simulator.surface import Surface

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class Simulator:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._admin = Admin(parts)
        hosted = Hosted(parts)
        self._model = ("GET", hosted.model)
        self._routes: dict[str, tuple[str, Handler]] = {}
        for path in ("/anthropic/v1/messages", "/anthropic/messages", "/v1/messages"):
            self._routes[path] = ("POST", self._surface(MessagesSurface(), beta=False))
        for base, beta in (("", False), ("/v1", False), ("/beta", True), ("/beta/v1", True)):
            self._routes |= {
                f"{base}/chat/completions": ("POST", self._surface(ChatSurface(), beta=beta)),
                f"{base}/completions": ("POST", self._surface(FimSurface(beta=beta), beta=beta)),
                f"{base}/models": ("GET", hosted.models),
                f"{base}/user/balance": ("GET", hosted.balance),
            }

    def _surface(self, surface: Surface, *, beta: bool) -> Handler:
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            await Session(self.parts, surface, send, beta=beta).serve(scope, receive)

        return handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the simulator serves HTTP, not {scope['type']}")
        path: str = scope["path"]
        if path.startswith("/-/"):
            await self._admin(scope, receive, send)
            return
        method, handler = self._routes.get(path) or self._found(path)
        if handler is None or scope["method"] != method:
            await self._refuse("unknown_path" if handler is None else "wrong_method", scope, send)
            return
        await handler(scope, receive, send)

    def _found(self, path: str) -> tuple[str, Handler | None]:
        bare = path.removeprefix("/beta").removeprefix("/v1")
        name = bare.removeprefix(MODELS_PATH)
        return self._model if bare.startswith(MODELS_PATH) and name and "/" not in name else ("", None)

    async def _refuse(self, name: str, scope: Scope, send: Send) -> None:
        seen = self.parts.note(scope["method"], scope["path"])
        refused = refusal(self.parts.contract, name)
        seen.outcome, seen.status = "refused", refused.status
        await Delivery(send, seen.request_id).refuse(refused)
        self.parts.on_done(seen)
