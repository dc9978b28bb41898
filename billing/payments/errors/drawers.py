"""What can go wrong with cash and its drawers."""

from __future__ import annotations

from billing.kernel.errors import Conflict, Denied, Invalid, NotFound


class NoSuchDrawer(NotFound):
    code = "no-such-drawer"


class DrawerOpen(Conflict):
    """A person has one open drawer at a site; count it before opening another."""

    code = "drawer-open"


class DrawerWaits(Conflict):
    """Another person has to count the drawer named; its cash stays in it until then."""

    code = "drawer-waits"


class DrawerElsewhere(Conflict):
    """Who takes the cash has a drawer open at another site, and none at the one named, whose cash it is."""

    code = "drawer-elsewhere"


class DrawerNotYours(Conflict):
    """A drawer is counted by its cashier, or by who may manage drawers."""

    code = "drawer-not-yours"


class OwnDrawer(Denied):
    """The second count is by neither the drawer's cashier nor the person who counted first."""

    code = "own-drawer"


class FloatNotThere(Conflict):
    """More than the site holds of change outside of drawers, or, below zero, than its drawers were short."""

    code = "float-not-there"


class TenderedTooLittle(Invalid):
    """The cash that was handed over is less than what is kept of it."""

    code = "tendered-too-little"


class NothingToBank(Conflict):
    """Nothing would be banked, or more cash is said to be missing than there is."""

    code = "nothing-to-bank"
