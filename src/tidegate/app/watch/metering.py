"""What `/metrics` shows, put together for one configuration. Its library takes long to load and is loaded only here."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.app.watch.watch import DAY_S
from tidegate.asgi import Handler
from tidegate.ledger.reading import spent_since
from tidegate.pipeline.gateway import Gateway
from tidegate.surfaces.admin import Loaded
from tidegate.surfaces.auth import Door
from tidegate.surfaces.metrics.state import Sources

if TYPE_CHECKING:
    from tidegate.app.kept import Kept


def metrics_page(gateway: Gateway, door: Door, kept: Kept, loaded: Loaded, contract: str) -> Handler:
    from tidegate.surfaces.metrics.page import MetricsPage

    sources = Sources(gateway, kept.ledger, kept.drain, loaded.generation, contract, kept.watch, kept.allowances.view)
    if kept.whole is None:
        return MetricsPage(door, kept.meter, sources.read).get
    page = MetricsPage(door, kept.meter, sources.read, kept.whole.metrics)
    kept.whole.tells_metrics(page.dump)
    return page.get


def spent_today_usd(ledger: Path) -> Decimal:
    """What the ledger says of this UTC day. Blocking."""
    return spent_since(ledger, time.time() // DAY_S * DAY_S)
