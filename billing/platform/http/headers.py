"""What every answer says to the browser, and how cookies are kept."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import Flask, Response, g, request

LONGEST_SESSION = timedelta(hours=12)
ONE_YEAR_SECONDS = 31_536_000

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def cookie_settings(public_url: str) -> dict[str, Any]:
    """Flask's settings for the session cookie.

    Over TLS it is `__Host-`: for this host alone, never for a parent domain, never in the clear.
    """
    over_tls = _over_tls(public_url)
    return {
        "SESSION_COOKIE_NAME": "__Host-session" if over_tls else "session",
        "SESSION_COOKIE_SECURE": over_tls,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "PERMANENT_SESSION_LIFETIME": LONGEST_SESSION,
        "SESSION_REFRESH_EACH_REQUEST": False,
    }


def install(app: Flask, public_url: str) -> None:
    """Set the headers on every answer, and the cookie; templates get `csp_nonce()` for their styles."""
    app.config.update(cookie_settings(public_url))
    over_tls = _over_tls(public_url)
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.extend(
            {name: value for name, value in ALWAYS.items() if name not in response.headers}
        )
        response.headers["Content-Security-Policy"] = _content_security_policy()
        if over_tls:
            response.headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR_SECONDS}; includeSubDomains"
        if request.endpoint != "static" and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def csp_nonce() -> str:
    """The number, used once, that this answer's own style and script elements carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def allow_form_target(origin: str) -> None:
    """Let the forms of this answer end, by redirect, at another origin: Chromium checks redirects as well."""
    g.form_target = origin


def _content_security_policy() -> str:
    nonce = f"'nonce-{csp_nonce()}'"
    return "; ".join([
        "default-src 'none'",
        f"script-src {nonce}",
        f"style-src {nonce}",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        f"form-action 'self' {g.get('form_target', '')}".rstrip(),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ])  # fmt: skip


def _over_tls(public_url: str) -> bool:
    return public_url.startswith("https://")
