"""The one error tree. Each error knows its HTTP status, whether to retry (and where) and whose fault it is.

    GatewayError
    ├─ ClientMistake        400  the request is wrong; sending it again changes nothing
    │  ├─ BrokenJson        400  the body is no JSON (hosted text, plain)
    │  ├─ WrongShape        400  JSON, but not of the shape the contract has (hosted text)
    │  ├─ AuthenticationFailed 401
    │  ├─ UnknownModel      400  a bare name nobody serves (hosted text); 404 for an address `backend/model`
    │  ├─ NotFound          404  no such path, exchange or model of a named backend
    │  ├─ MethodNotAllowed  405
    │  ├─ BodyTooLarge      413
    │  ├─ UnsupportedMedia  415
    │  └─ Unprocessable     422  a backend's own word for a request that it cannot use
    ├─ NotSupported         400  this backend cannot do what was asked; another one may
    ├─ PolicyRefusal        403  the policy allows no backend for this request
    │  ├─ Unmaskable        403  it may leave only masked, and something in it cannot be masked
    │  ├─ BudgetSpent       402  the budget of the client's key is used up
    │  └─ LimitReached      429  the client's key asks more often, or more at once, than it may
    ├─ BackendFailure       502  a backend did not do its part; another one may
    │  ├─ BackendUnreachable   503
    │  ├─ ConnectionLost       503  it closed a kept connection just when the request had been sent over it
    │  ├─ Unattested           503  it does not show that it is the server that was configured; nothing was sent
    │  ├─ BackendTimedOut      504
    │  ├─ BackendOverloaded    503
    │  │  └─ BackendLoading    503  its model is being loaded; asking it again later will help
    │  ├─ BreakerOpen          503  it failed too often a moment ago and is left alone until it is tried again
    │  ├─ RateLimited          429
    │  ├─ NoBalance            402
    │  ├─ BackendFailed        502  it answered HTTP 500, or what means the same
    │  ├─ BackendRefused       502  it answered with an error that is not the client's fault
    │  └─ BrokenContract       502  it answered something that is not the contract; also a stream cut half-way
    │     └─ BadAnswer         502  the server did its part, but what its model said cannot be passed on
    ├─ BoundaryBreach       500  the transport stopped a request that routing should never have sent there
    ├─ Draining             503  the gateway is being stopped and takes nothing new
    ├─ ClientLeft           499  nobody is waiting any more
    └─ Misconfigured        exit code 2, before anything is served

`retry` is what may follow: `never` another attempt; `elsewhere`: another backend may answer, this one will not;
`same`: another backend first, and after a pause this one again. `trips`: it counts against the backend's breaker;
`by_request`: once only for equal requests, because the request itself may be what the backend fails at.

Messages name the option or field to change and never contain prompt text or keys.
Upstream errors are mapped to this tree in dialects, and rendered only in `surfaces/errors`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

ErrorKind = Literal[
    "invalid_request_error",
    "authentication_error",
    "rate_limit_error",
    "service_unavailable_error",
    "server_error",
    "unknown_error",
]
Retry = Literal["never", "same", "elsewhere"]
Fault = Literal["client", "policy", "backend", "gateway"]


class GatewayError(Exception):
    """Root of the tree; `message` is what the client reads."""

    status: ClassVar[int] = 500
    retry: ClassVar[Retry] = "never"
    fault: ClassVar[Fault] = "gateway"
    kind: ClassVar[ErrorKind] = "server_error"
    trips: ClassVar[bool] = False
    by_request: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        """`retry_after_s` is said to the client in Retry-After, where it is known."""
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s
        self.after_sending = False
        """The connection broke after the request was sent: nobody knows what became of it there."""


class ClientMistake(GatewayError):
    status = 400
    fault = "client"
    kind = "invalid_request_error"


class BrokenJson(ClientMistake):
    """The body is no JSON; the hosted API answers with plain text, not with its envelope."""


class WrongShape(ClientMistake):
    """JSON that does not have the shape of the contract: a wrong type, a missing field, an unknown variant."""


class AuthenticationFailed(ClientMistake):
    status = 401
    kind = "authentication_error"


class UnknownModel(ClientMistake):
    """A bare model name that no backend, alias or reserved name answers to."""


class NotFound(ClientMistake):
    status = 404


class MethodNotAllowed(ClientMistake):
    status = 405


class BodyTooLarge(ClientMistake):
    status = 413


class UnsupportedMedia(ClientMistake):
    status = 415


class NotSupported(GatewayError):
    """What was asked is in the contract, but not in this backend's power: asking another one may help."""

    status = 400
    retry = "elsewhere"
    fault = "backend"
    kind = "invalid_request_error"


class Unprocessable(ClientMistake):
    """A backend understood the JSON and cannot use it. Ours is 400; the hosted API was seen with both."""

    status = 422


class PolicyRefusal(GatewayError):
    status = 403
    fault = "policy"
    kind = "invalid_request_error"


class Unmaskable(PolicyRefusal):
    """What was found cannot be replaced by a pseudonym. A backend at home may still get the request as it is."""

    retry = "elsewhere"


class BudgetSpent(PolicyRefusal):
    """The budget of the client's key is used up, or reserved by what it asks at this moment."""

    status = 402
    kind = "unknown_error"


class LimitReached(PolicyRefusal):
    """The client's key asks more often, or more at once, than its terms say."""

    status = 429
    kind = "rate_limit_error"


class BackendFailure(GatewayError):
    status = 502
    retry = "elsewhere"
    fault = "backend"


class BackendUnreachable(BackendFailure):
    retry = "same"
    trips = True
    status = 503
    kind = "service_unavailable_error"


class ConnectionLost(BackendFailure):
    """A kept connection was closed without a byte of answer. Mostly the server had closed it before it could read the
    request, which says nothing against it; but it may also have read it, so this counts as a sending."""

    retry = "same"
    status = 503
    kind = "service_unavailable_error"


class Unattested(BackendFailure):
    """Another server than the configured one seems to be there, so it was sent nothing."""

    status = 503
    kind = "service_unavailable_error"


class BackendTimedOut(BackendFailure):
    retry = "same"
    trips = True
    status = 504


class BackendOverloaded(BackendFailure):
    retry = "same"
    status = 503
    kind = "service_unavailable_error"


class BackendLoading(BackendOverloaded):
    """The backend says that it is still loading its model: it is waited for when nobody else answers."""


class RateLimited(BackendFailure):
    """`limit` is how many requests at once the backend says that it takes, where its text says so."""

    retry = "same"
    status = 429
    kind = "rate_limit_error"

    def __init__(self, message: str, *, retry_after_s: float | None = None, limit: int | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.limit = limit


class NoBalance(BackendFailure):
    """The hosted account behind the gateway has no money left."""

    status = 402
    kind = "unknown_error"


class BackendFailed(BackendFailure):
    """The backend had a fault of its own: HTTP 500, or an error event that means the same."""

    retry = "same"
    trips = True
    by_request = True


class BreakerOpen(BackendFailure):
    """It failed so often a moment ago that it is not asked until it is tried again."""

    retry = "same"
    status = 503
    kind = "service_unavailable_error"


class BackendRefused(BackendFailure):
    """The backend answered with an error status that the client did not cause."""


class BrokenContract(BackendFailure):
    """The backend's answer is not the contract: bad framing, a shape that it does not have, a stream without its end."""

    retry = "same"
    trips = True
    by_request = True


class BadAnswer(BrokenContract):
    """The model's words are not the contract: an empty answer, a call or JSON that cannot be read. The server works."""

    trips = False


class BoundaryBreach(GatewayError):
    """The second wall: the transport refused to connect a request to a place its class forbids."""

    status = 500


class Draining(GatewayError):
    """The gateway is being stopped; what is under way is finished, nothing new is begun."""

    status = 503
    kind = "service_unavailable_error"


class ClientLeft(GatewayError):
    status = 499
    fault = "client"


class Misconfigured(GatewayError):
    """The configuration cannot be used or enforced; raised before anything is served."""
