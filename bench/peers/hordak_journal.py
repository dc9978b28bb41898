"""An entry of django-hordak, whose triggers check the balance when the transaction ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from moneyed import Money
from sqlalchemy import make_url

from tests.conftest import NOW

AMOUNTS = (
    ("Deferred revenue", "LI", "debit", "100.00"),
    ("Patient receivable", "AS", "debit", "261.25"),
    ("Discounts", "EX", "debit", "63.75"),
    ("Infusion", "IN", "credit", "425.00"),
)
APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "mptt", "hordak"]


class HordakJournal:
    def __init__(self, models: Any) -> None:
        self._models = models
        self._lines = [
            (
                models.Account.objects.create(name=name, code=str(place), type=kind, currencies=["USD"]),
                side,
                amount,
            )
            for place, (name, kind, side, amount) in enumerate(AMOUNTS, 1)
        ]

    def post(self) -> None:
        with transaction.atomic():
            entry = self._models.Transaction.objects.create(date=NOW.date(), description="given")
            for account, side, amount in self._lines:
                money = Money(Decimal(amount), "USD")
                self._models.Leg.objects.create(transaction=entry, account=account, **{side: money})


@contextmanager
def opened(url: str) -> Iterator[HordakJournal]:
    address = make_url(url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.database,
        "USER": address.username,
        "PASSWORD": address.password or "",
        "HOST": address.host or address.query.get("host", ""),
        "PORT": address.port or "",
        "CONN_MAX_AGE": None,
    }
    settings.configure(
        INSTALLED_APPS=APPS,
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DEFAULT_CURRENCY="USD",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    try:
        yield HordakJournal(import_module("hordak.models"))
    finally:
        connections.close_all()
