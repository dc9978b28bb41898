"""What every call to Stripe shares: how refusals and silence are told apart, and our own key."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import stripe

from billing.payments.ports import GatewayRefused, GatewayTimeout

DESCRIPTION = "Clinic services"
"""All that the processor learns of what was sold: it signs no business associate agreement."""

CLOCK_MARGIN = timedelta(hours=1)


def made_since(instant: datetime) -> int:
    """From when on Stripe is asked for what was recorded here at an instant."""
    return int((instant - CLOCK_MARGIN).timestamp())


@contextmanager
def answers() -> Generator[None]:
    """Only what Stripe says of the request itself is a definite no.

    A refused key, a limit, another request under way or a mismatch under the same key say nothing of
    what an earlier attempt under that key did.
    Raises: GatewayRefused, GatewayTimeout.
    """
    try:
        yield
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        raise GatewayRefused(error.code or "invalid_request") from error
    except stripe.StripeError as error:
        raise GatewayTimeout from error


def operation(metadata: Any) -> str | None:
    """Our key, out of the metadata of an object that others may have made by hand."""
    return metadata["operation"] if metadata and "operation" in metadata else None
