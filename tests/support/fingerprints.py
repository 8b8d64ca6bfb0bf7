"""What each runtime answers to the questions by which it is known, for servers of tests that play one."""

from __future__ import annotations

import orjson
from tests.support.upstreams import Request, head

OLLAMA_STATUS = b'{"cloud":{"disabled":false,"source":"none"}}'
OLLAMA_STATUS_OFF = b'{"cloud":{"disabled":true,"source":"env"}}'


def listed(owner: str, *models: str) -> bytes:
    entries = [{"id": model, "object": "model", "owned_by": owner} for model in models]
    return orjson.dumps({"object": "list", "data": entries})


def tags(*models: str, remote: tuple[str, ...] = ()) -> bytes:
    """The list of an Ollama; `remote` ones it passes on."""
    own = [{"name": model, "model": model} for model in models]
    away = [
        {"name": m, "model": m, "remote_model": "gpt-oss:120b", "remote_host": "https://x.test:443"} for m in remote
    ]
    return orjson.dumps({"models": [*own, *away]})


SHOWN: dict[str, dict[str, bytes]] = {
    "llamacpp": {"/props": b'{"default_generation_settings":{},"build_info":"b11549"}'},
    "vllm": {"/version": b'{"version":"0.32.0"}', "/v1/models": listed("vllm", "m")},
    "sglang": {"/model_info": b'{"model_path":"/m","tool_call_parser":null}', "/v1/models": listed("sglang", "m")},
    "lmstudio": {"/api/v0/models": b'{"data":[{"id":"m","state":"loaded"}],"object":"list"}'},
    "ollama": {
        "/api/version": b'{"version":"0.33.0"}',
        "/": b"Ollama is running",
        "/api/status": OLLAMA_STATUS,
        "/api/tags": tags("m:latest"),
        "/v1/models": listed("library", "m:latest"),
    },
}


def shown(kind: str, request: Request) -> bytes | None:
    """The whole reply of a server of this kind, if that is such a question."""
    method, path = request.head.split(b" ", 2)[:2]
    body = SHOWN[kind].get(path.decode()) if method == b"GET" else None
    return None if body is None else head("200 OK", length=len(body)) + body
