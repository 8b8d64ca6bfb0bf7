"""What happens around the gateway while clients ask: faults are armed, runtimes are killed, frozen and started again."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from tests.chaos.world import IDLE_S, SIMS, World

from tidegate.simulator.fault_kinds import BODIES, FAULTS

_VALUES = {
    "queue": ("0.5", "1", "45", "600"),
    "slow": ("0.2", "1", "20"),
    "stall": ("0", "2", "5"),
    "cut": ("0", "40", "300", "900"),
}
_TOO_LONG = {"hosted": {"queue": ("0.5", "1"), "slow": ("0.2", "1", "3")}}
"""There the time is ours."""
_SHARE = 0.25
_EVERY_S = 0.25
MIB = 1024 * 1024


@dataclass
class Weather:
    world: World
    seed: int
    happened: Counter[str] = field(default_factory=Counter[str])
    memory: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """Seconds since the beginning, and the bytes that the gateway held."""

    def __post_init__(self) -> None:
        self._random = Random(f"weather:{self.seed}")
        self._began = monotonic()

    async def blow(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._faults())
            group.create_task(self._kills())
            group.create_task(self._watch())

    def calm_down(self) -> None:
        """All that was killed or frozen runs again."""
        for fake in self.world.fakes.values():
            fake.freeze(False)
            if fake.process is None:
                fake.start()

    async def _faults(self) -> None:
        """All kinds in turn, in an order of chance, for about a quarter of what the simulators are asked."""
        waiting: dict[str, list[str]] = {name: [] for name in SIMS}
        while True:
            for name in SIMS:
                if not waiting[name]:
                    waiting[name] = [*FAULTS, *(status for status in FAULTS if FAULTS[status].takes == "body")]
                    self._random.shuffle(waiting[name])
                fault = waiting[name].pop()
                await self.world.arm(name, f"{fault}{self._value(name, fault)}", self._random.choice((1, 1, 2, 3)))
                self.happened[f"fault {fault}"] += 1
            await asyncio.sleep(_EVERY_S * (0.5 + self._random.random()))

    def _value(self, name: str, fault: str) -> str:
        if FAULTS[fault].takes == "body":
            return f"={self._random.choice(BODIES)}"
        values = _TOO_LONG.get(name, {}).get(fault) or _VALUES.get(fault)
        return "" if values is None else f"={self._random.choice(values)}"

    async def _kills(self) -> None:
        while True:
            await asyncio.sleep(1.0 + 4.0 * self._random.random())
            name = self._random.choice(list(self.world.fakes))
            fake = self.world.fakes[name]
            if self._random.random() < 0.3:
                fake.freeze(True)
                self.happened[f"{name} frozen"] += 1
                await asyncio.sleep(IDLE_S * 1.5 * self._random.random())
                fake.freeze(False)
                continue
            fake.kill()
            self.happened[f"{name} killed"] += 1
            await asyncio.sleep(2.0 * self._random.random() ** 2)
            fake.start()

    async def _watch(self) -> None:
        while True:
            self.memory.append((monotonic() - self._began, self.world.rss_bytes()))
            await asyncio.sleep(1.0)
