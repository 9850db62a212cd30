"""What is known of well-known relays, as data: how to log in there, and the limits that they publish.

A preset is found by the host, and fills in what the account leaves open. What is said explicitly always wins. Only what
a provider documents stands here; ``source`` names the page, as of 2025. A limit that depends on the plan is left out.
"""

import re
from dataclasses import dataclass
from typing import Final

from postroad.errors import ConfigurationError

MB: Final = 1_000_000  # octets
_REGION: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A relay. ``hosts`` are host names; one that begins with ``*`` stands for all that end so.

    ``host`` is where an account is unless it says otherwise; ``{region}`` in it must be given. ``port`` 587 is for
    STARTTLS, 465 for TLS from the first byte. ``user`` is the user name of everybody there, ``advice`` what to do when
    the log-in is refused. ``max_size`` is in octets, ``idle`` in seconds, ``daily`` in messages or recipients a day:
    known, shown, and not enforced, because others may send by the same account.
    """

    name: str
    title: str
    host: str
    hosts: tuple[str, ...]
    advice: str
    source: str
    port: int = 587
    user: str | None = None
    max_size: int | None = None
    connections: int | None = None
    messages: int | None = None
    idle: float | None = None
    daily: int | None = None

    def host_in(self, region: str) -> str:
        """The relay's host name; ``region`` is needed where there are several, and only there.

        Raises:
            ConfigurationError: it is missing, malformed or not wanted.
        """
        if ("{region}" in self.host) is not bool(region):
            what = "has no regions" if region else "has several regions; give one"
            raise ConfigurationError(f"{self.title} {what}", setting="region")
        if region and not _REGION.fullmatch(region):
            raise ConfigurationError(f"{region[:40]!a} is no region such as eu-west-1", setting="region")
        return self.host.replace("{region}", region)


PRESETS: Final = (
    Preset(
        name="gmail",
        title="Gmail",
        host="smtp.gmail.com",
        hosts=("smtp.gmail.com", "smtp.googlemail.com"),
        advice="Gmail takes no account password: turn on 2-step verification and make an app password "
        "(https://myaccount.google.com/apppasswords), or give an OAuth token with token=. "
        "The user name is the whole address.",
        max_size=25 * MB,
        daily=500,  # 2000 for Google Workspace accounts
        source="https://support.google.com/mail/answer/22839; https://support.google.com/a/answer/176600",
    ),
    Preset(
        name="google-workspace-relay",
        title="Google Workspace SMTP relay",
        host="smtp-relay.gmail.com",
        hosts=("smtp-relay.gmail.com",),
        advice="The relay must be allowed in the Admin console (Apps, Gmail, Routing), by IP address or by log-in; "
        "with a log-in it takes an app password. Set ?ehlo= to a domain of yours.",
        max_size=25 * MB,
        daily=10_000,  # recipients by user
        source="https://support.google.com/a/answer/2956491",
    ),
    Preset(
        name="microsoft365",
        title="Microsoft 365",
        host="smtp.office365.com",
        hosts=("smtp.office365.com",),
        advice="SMTP AUTH must be enabled for this mailbox (Set-CASMailbox -SmtpClientAuthenticationDisabled $false) "
        "and not be blocked by security defaults; where basic authentication is off, give an OAuth token with token=.",
        connections=3,
        daily=10_000,  # recipients
        source="https://learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements",
    ),
    Preset(
        name="outlook",
        title="Outlook.com, Hotmail, Live",
        host="smtp-mail.outlook.com",
        hosts=("smtp-mail.outlook.com",),
        advice="Outlook.com takes no passwords any more: give an OAuth token with token=.",
        source="https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040",
    ),
    Preset(
        name="ses",
        title="Amazon SES",
        host="email-smtp.{region}.amazonaws.com",
        hosts=("email-smtp.*.amazonaws.com", "email-smtp-fips.*.amazonaws.com"),
        advice="SMTP credentials are not an AWS access key: make them in the SES console, for this very region. "
        "While the account is in the sandbox, recipients must be verified, too.",
        max_size=40 * MB,
        idle=8.0,  # it hangs up after 10 s
        source="https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html; "
        "https://docs.aws.amazon.com/ses/latest/dg/quotas.html",
    ),
    Preset(
        name="postmark",
        title="Postmark",
        host="smtp.postmarkapp.com",
        hosts=("smtp.postmarkapp.com", "smtp-broadcasts.postmarkapp.com"),
        advice="User name and password are both the Server API token (or an SMTP token's access and secret key); "
        "the sender must have a confirmed signature or domain.",
        max_size=10 * MB,
        source="https://postmarkapp.com/developer/user-guide/send-email-with-smtp",
    ),
    Preset(
        name="sendgrid",
        title="SendGrid",
        host="smtp.sendgrid.net",
        hosts=("smtp.sendgrid.net", "smtp.eu.sendgrid.net"),
        user="apikey",
        advice="The user name is literally apikey, the password an API key with the right to send mail.",
        max_size=30 * MB,
        source="https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
    ),
    Preset(
        name="mailgun",
        title="Mailgun",
        host="smtp.mailgun.org",
        hosts=("smtp.mailgun.org", "smtp.eu.mailgun.org"),
        advice="The user name is the whole address of an SMTP user of the domain, such as postmaster@mg.example.com; "
        "the password is that user's, not the API key. Domains in the EU use smtp.eu.mailgun.org.",
        max_size=25 * MB,
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
    ),
    Preset(
        name="resend",
        title="Resend",
        host="smtp.resend.com",
        hosts=("smtp.resend.com",),
        user="resend",
        advice="The user name is literally resend, the password an API key; the sender's domain must be verified.",
        max_size=40 * MB,
        source="https://resend.com/docs/send-with-smtp",
    ),
    Preset(
        name="brevo",
        title="Brevo",
        host="smtp-relay.brevo.com",
        hosts=("smtp-relay.brevo.com", "smtp-relay.sendinblue.com"),
        advice="The user name is the SMTP login shown under SMTP & API, the password an SMTP key, not an API key.",
        source="https://developers.brevo.com/docs/smtp-integration",
    ),
    Preset(
        name="mailjet",
        title="Mailjet",
        host="in-v3.mailjet.com",
        hosts=("in-v3.mailjet.com",),
        advice="The user name is the API key, the password the secret key.",
        max_size=15 * MB,
        source="https://dev.mailjet.com/smtp-relay/configuration/",
    ),
    Preset(
        name="fastmail",
        title="Fastmail",
        host="smtp.fastmail.com",
        hosts=("smtp.fastmail.com",),
        port=465,
        advice="Fastmail takes no account password: make an app password under Privacy & Security. "
        "The user name is the whole address.",
        source="https://www.fastmail.help/hc/en-us/articles/1500000278342",
    ),
    Preset(
        name="icloud",
        title="iCloud Mail",
        host="smtp.mail.me.com",
        hosts=("smtp.mail.me.com",),
        advice="iCloud takes no account password: make an app-specific password at https://account.apple.com. "
        "The user name is the whole address.",
        max_size=20 * MB,
        daily=1000,
        source="https://support.apple.com/102525; https://support.apple.com/102198",
    ),
    Preset(
        name="yahoo",
        title="Yahoo Mail",
        host="smtp.mail.yahoo.com",
        hosts=("smtp.mail.yahoo.com",),
        port=465,
        advice="Yahoo takes no account password: make an app password in the account's security settings.",
        max_size=25 * MB,
        source="https://help.yahoo.com/kb/SLN4724.html",
    ),
    Preset(
        name="zoho",
        title="Zoho Mail",
        host="smtp.zoho.com",
        hosts=("smtp.zoho.*", "smtppro.zoho.*"),
        port=465,
        advice="With two-factor authentication Zoho takes an app password only. Accounts live in one region: "
        "smtp.zoho.eu, smtp.zoho.in and so on; those of an organisation use smtppro.zoho.com.",
        source="https://www.zoho.com/mail/help/zoho-smtp.html",
    ),
    Preset(
        name="mailtrap",
        title="Mailtrap",
        host="live.smtp.mailtrap.io",
        hosts=("live.smtp.mailtrap.io", "bulk.smtp.mailtrap.io"),
        user="api",
        advice="The user name is literally api, the password an API token; the sender's domain must be verified.",
        source="https://docs.mailtrap.io/email-api-smtp/setup/smtp-integration",
    ),
    Preset(
        name="mailtrap-sandbox",
        title="Mailtrap sandbox (delivers nothing)",
        host="sandbox.smtp.mailtrap.io",
        hosts=("sandbox.smtp.mailtrap.io",),
        advice="User name and password are those of one inbox; they stand in its integration settings.",
        source="https://docs.mailtrap.io/email-sandbox/setup/sandbox-integration",
    ),
    Preset(
        name="sparkpost",
        title="SparkPost",
        host="smtp.sparkpostmail.com",
        hosts=("smtp.sparkpostmail.com", "smtp.eu.sparkpostmail.com"),
        user="SMTP_Injection",
        advice="The user name is literally SMTP_Injection, the password an API key with the right Send via SMTP.",
        max_size=20 * MB,
        source="https://developers.sparkpost.com/api/smtp/",
    ),
    Preset(
        name="socketlabs",
        title="SocketLabs",
        host="smtp.socketlabs.com",
        hosts=("smtp.socketlabs.com",),
        advice="User name and password are those of one server, under SMTP credentials; not the account's.",
        max_size=30 * MB,
        connections=10,
        messages=50,
        source="https://help.socketlabs.com/docs/smtp-server-restrictions",
    ),
    Preset(
        name="mandrill",
        title="Mailchimp Transactional (Mandrill)",
        host="smtp.mandrillapp.com",
        hosts=("smtp.mandrillapp.com",),
        advice="The password is an API key, never the account's password; any user name will do.",
        max_size=25 * MB,
        source="https://mailchimp.com/developer/transactional/docs/smtp-integration/",
    ),
)
_BY_NAME: Final = {preset.name: preset for preset in PRESETS}


def preset_for(host: str) -> Preset | None:
    """The preset of the relay at this host, if it is a known one."""
    name = host.lower().rstrip(".")
    return next((one for one in PRESETS if any(_matches(name, pattern) for pattern in one.hosts)), None)


def named_preset(name: str) -> Preset:
    """The preset of this name.

    Raises:
        ConfigurationError: there is none.
    """
    preset = _BY_NAME.get(name)
    if preset is None:
        known = ", ".join(_BY_NAME)
        raise ConfigurationError(f"no preset is called {name!a}", setting="preset", advice=f"Use one of {known}.")
    return preset


def _matches(host: str, pattern: str) -> bool:
    front, star, back = pattern.partition("*")
    if not star:
        return host == pattern
    middle = host[len(front) : len(host) - len(back)]
    return host.startswith(front) and host.endswith(back) and bool(middle) and middle[0] != "."
