"""Default deny: a route declares its permission, or stands on a short named list."""

from flask import Flask
from werkzeug.routing import Rule

PUBLIC_PREFIXES = (
    "/healthz",
    "/readyz",
    "/api/v1/openapi.json",
    "/problems/",
    "/static/",
    "/webhooks/stripe",
    "/pay/<",
    "/estimate-notice",
    "/staff/sign-in",
    "/portal/sign-in",
)
"""What a stranger may open, and nothing else. Source: the list of public paths in docs/operating.md."""

GUARDED_BY_THEMSELVES = ("/metrics",)
"""A token of its own, compared inside the view."""

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
MUTATING_WORDS = ("delete", "void", "refund", "cancel", "issue", "revoke")


def test_every_route_declares_a_permission_or_is_public(app: Flask):
    assert [
        rule.rule for rule in app.url_map.iter_rules() if not _declares(app, rule) and not _open(rule)
    ] == []


def test_nothing_public_is_under_the_api_but_its_description(app: Flask):
    public = [rule.rule for rule in app.url_map.iter_rules() if not _declares(app, rule)]
    assert [path for path in public if path.startswith("/api/")] == ["/api/v1/openapi.json"]


def test_a_stranger_learns_nothing_at_any_guarded_route(app: Flask):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if _declares(app, rule):
            path = _filled(rule)
            for method in rule.methods or set():
                status = client.open(path, method=method).status_code
                allowed = {401, 403} if path.startswith("/api/") else {302, 303, 401, 403}
                assert status in allowed or method == "OPTIONS", f"{method} {path} answered {status}"


def test_a_path_that_changes_something_is_no_get(app: Flask):
    verbs = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.rsplit("/", 1)[-1] in MUTATING_WORDS and "GET" in (rule.methods or set())
    ]
    assert verbs == []


def _declares(app: Flask, rule: Rule) -> bool:
    return getattr(app.view_functions[rule.endpoint], "permission", None) is not None


def _open(rule: Rule) -> bool:
    return rule.rule.startswith((*PUBLIC_PREFIXES, *GUARDED_BY_THEMSELVES))


def _filled(rule: Rule) -> str:
    """The rule's path, with a word for each of its variables."""
    path = rule.rule
    for argument in rule.arguments:
        for opening in ("<", "<string:", "<path:", "<int:"):
            path = path.replace(f"{opening}{argument}>", "1")
    return path
