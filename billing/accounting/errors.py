from billing.kernel.errors import Invalid


class NoSuchExport(Invalid):
    """An export, a format of it or a period that the product does not have; says which there are."""

    code = "no-such-export"
