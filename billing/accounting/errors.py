from billing.kernel.errors import Invalid


class NoSuchExport(Invalid):
    """An export, a format of it or a period that the product does not have; says which there are."""

    code = "no-such-export"


class BadPeriod(Invalid):
    """A period that ends before it begins, or a year of no calendar; names the field."""

    code = "bad-period"
