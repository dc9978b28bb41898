"""Mail by SMTP. Encrypted to every server that is not this machine."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formataddr, formatdate, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from billing.payments.ports import MailRefused, MailUnavailable
from billing.payments.records.mail import Letter

PATIENCE_SECONDS = 15.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NEVER = range(500, 600)
"""SMTP replies that a further try would not change."""


class SmtpMailer:
    """`url` is smtp[s]://[USER:PASSWORD@]HOST[:PORT][?from=ADDRESS].

    `smtps` is encrypted from the first byte; `smtp` by STARTTLS, unless the server is this machine.
    Without `from` mail comes from USER when that is an address, else from no-reply at `domain`.
    """

    def __init__(self, url: str, domain: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        named = parse_qs(parts.query).get("from", [self._user if "@" in self._user else ""])[0]
        self._sender, self._domain = named or f"no-reply@{domain}", domain

    def send(self, letter: Letter) -> None:
        """Raises: MailRefused when a server will never take it; MailUnavailable for all else."""
        try:
            with self._connect() as server:
                server.send_message(self._message(letter))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise (MailRefused if all(code in NEVER for code in codes) else MailUnavailable) from None
        except (smtplib.SMTPException, OSError):
            raise MailUnavailable from None

    def _connect(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        if self._is_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=PATIENCE_SECONDS, context=tls
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=PATIENCE_SECONDS)
            if self._host not in LOOPBACK:
                server.starttls(context=tls)
        if self._user:
            server.login(self._user, self._password)
        return server

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        address = parseaddr(self._sender)[1]
        message["From"] = formataddr((letter.sender, address)) if letter.sender else self._sender
        message["To"], message["Subject"] = letter.to, letter.subject
        message["Date"], message["Message-ID"] = formatdate(), f"<{letter.id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message
