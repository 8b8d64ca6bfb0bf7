"""`tidegate up` with `[server] workers` above 1: the steward's process, which binds, starts the workers and answers nobody."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tidegate.app import App, ledger_path
from tidegate.app.embed import embedded_engine
from tidegate.app.reload import with_fixed
from tidegate.cli.living import say
from tidegate.cli.serving import Reloads
from tidegate.config import Config
from tidegate.core.errors import GatewayError
from tidegate.ledger.spending import spent_this_month
from tidegate.ledger.store import Ledger
from tidegate.resilience.allowance import OwnAllowances
from tidegate.resilience.lanes import OwnLanes
from tidegate.steward.crew import Crew
from tidegate.steward.orders import Order
from tidegate.steward.steward import Steward


class Stewarding:
    """From the start of the workers to the end of the last. `read` gives the configuration as it is written now."""

    def __init__(
        self,
        config: Config,
        read: Callable[[], Config],
        *,
        listener: socket.socket,
        state: Path,
        file: Path | None,
        model: Path | None,
    ) -> None:
        self._config = config
        self._read = read
        self._state = state
        self._engine = None if model is None else embedded_engine(config.embedded, model)
        self._lanes = OwnLanes(config.timeouts.queue_s)
        self._allowances = OwnAllowances(time.monotonic, wait_s=config.timeouts.queue_s)
        steward = Steward(self._lanes, self._allowances, self._engine)
        order = Order(
            0,
            msgspec.msgpack.encode(config),
            None if file is None else str(file),
            None if model is None else str(model),
        )
        self.crew = Crew(
            config.server.workers,
            order,
            command=lambda link, listening: (sys.executable, "-m", "tidegate.cli.worker", str(link), str(listening)),
            listener=listener,
            new_link=steward.new_link,
        )
        steward.end_worker = self.crew.kill
        self._stop = asyncio.Event()

    async def run(self, started: Callable[[tuple[str, ...]], None]) -> None:
        """`started` is called when all workers serve, with what the first of them says of itself."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        reloads = Reloads(self._reload, hung_up=self._on_signal)
        reloads.listen()
        # One process makes the ledger and its key, before several open them at once.
        ledger = Ledger(ledger_path(self._config, self._state))
        await asyncio.to_thread(ledger.open)
        await asyncio.to_thread(ledger.close)
        await self._learn_spending()
        if self._engine is not None:
            self._engine.start()
        stopped = asyncio.create_task(self._stop.wait())
        starting = asyncio.create_task(self.crew.start())
        try:
            await asyncio.wait((stopped, starting), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                started(starting.result().lines)
                await stopped
        finally:
            for task in (stopped, starting):
                task.cancel()
            await reloads.stop()
            await self.crew.stop(self._config.server.drain_s)
            if self._engine is not None:
                await self._engine.stop()

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self.crew.cut()
        self._stop.set()

    async def _learn_spending(self) -> None:
        path = ledger_path(self._config, self._state)
        self._allowances.learn(await asyncio.to_thread(spent_this_month, path, time.time()))

    async def _reload(self) -> None:
        try:
            config, waits = with_fixed(self._config, await asyncio.to_thread(self._read))
            # Here first: what cannot be enforced is said once, and no worker is asked.
            checked = await asyncio.to_thread(App, config, os.environ, self._state, None)
            await self._learn_spending()
            await self.crew.reload(msgspec.msgpack.encode(config))
        except GatewayError as error:
            say(f"not reloaded, the configuration before stays in force: {error.message}")
            return
        self._config = config
        self._lanes.adjust(config.timeouts.queue_s)
        self._allowances.adjust(config.timeouts.queue_s)
        say(
            f"reloaded {self.crew.order.file or 'the defaults'}: configuration {self.crew.order.generation} is in force "
            "for new requests"
        )
        if waits:
            say(f"  not before a restart: {', '.join(waits)}")
        if checked.certificate is not None and checked.certificate.warning:
            say(f"warning: {checked.certificate.warning}")
