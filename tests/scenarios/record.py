"""What a journey leaves behind: its steps, books and files, as journey.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scenarios.office import ROOT

FILE_KINDS = ("superbills", "receipts", "statements", "evidence", "claims", "remittances", "exports")


def dollars(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


@dataclass
class Record:
    """Written anew after each step, so that it can be read while the journey goes on."""

    folder: Path
    steps: list[dict[str, Any]] = field(default_factory=list)
    trial_balance: dict[str, int] = field(default_factory=dict)
    verify: dict[str, Any] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in FILE_KINDS})

    def step(self, kind: str, name: str, cents: Mapping[str, int]) -> None:
        self.steps.append({"kind": kind, "name": name, "cents": dict(cents)})
        amounts = ", ".join(f"{word} {dollars(amount)}" for word, amount in cents.items())
        print(f"  {kind:<12} {name:<52} {amounts}", flush=True)
        self.write()

    def keep(self, kind: str, name: str, content: bytes) -> Path:
        """Write a file of the journey under its folder, and remember its path in the repository."""
        path = self.folder / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.remember(kind, path)
        return path

    def remember(self, kind: str, path: Path) -> None:
        inside = path.is_relative_to(ROOT)
        self.files[kind].append(str(path.relative_to(ROOT) if inside else path))

    def write(self) -> None:
        draft = self.folder / "journey.json.new"
        body = {
            "steps": self.steps,
            "trial_balance": self.trial_balance,
            "verify": self.verify,
            "files": self.files,
        }
        draft.write_text(json.dumps(body, indent=1) + "\n")
        draft.replace(self.folder / "journey.json")
