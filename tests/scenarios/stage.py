"""The stage of a journey: the office, who works there, the browser of the patient, and the clinic's clock."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.scenarios.client import Browser, Client
from tests.scenarios.office import Office
from tests.scenarios.record import Record

OFFSET = "-06:00"


@dataclass
class Journey:
    office: Office
    record: Record
    browser: Browser
    staff: dict[str, Client] = field(default_factory=dict)
    patient_id: str = ""
    second_patient_id: str = ""
    provider_id: str = ""
    superbills: list[dict[str, Any]] = field(default_factory=list)

    @property
    def desk(self) -> Client:
        return self.staff["front_desk"]

    @property
    def billing(self) -> Client:
        return self.staff["billing"]

    @property
    def clinician(self) -> Client:
        return self.staff["clinician"]

    @property
    def accountant(self) -> Client:
        return self.staff["accountant"]

    def go_to(self, day: date, time: str = "09:00") -> datetime:
        """Move everybody's clock to a moment of the clinic's day."""
        instant = f"{day.isoformat()}T{time}:00{OFFSET}"
        self.office.set_clock(instant)
        return datetime.fromisoformat(instant)
