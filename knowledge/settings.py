"""Settings: read once at the edge, from the environment and an optional `.env`, then passed inwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
SITE = re.compile(rf"(https?)://((?:\*\.)?{_LABEL}(?:\.{_LABEL})*)(?::(\d{{1,5}}))?/?")
"""A site as Content-Security-Policy spells it: scheme, host, perhaps a port, perhaps all hosts below one."""

SERVER = re.compile(r"https?://[A-Za-z0-9._-]+(:\d{1,5})?/?")


class Settings(BaseSettings):
    """All that can be set. Each field is read from `CANDOR_` + its name in capitals."""

    # An empty variable is one that is not set: that is how the README and .env.example say "leave it empty".
    model_config = SettingsConfigDict(
        env_prefix="CANDOR_", frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False
    )

    store: Path = Field(Path(".candor"), description="Folder of the knowledge store.")
    host: str = Field("127.0.0.1", description="Address the chat listens on.")
    port: int = Field(7860, ge=0, le=65535, description="Port the chat listens on.")
    public_url: str = Field(
        "",
        description="Address at which people reach it, as https://chat.example.com; links that are sent begin with it.",
    )
    open_early: bool = Field(
        True,
        description="Whether visitors are told that the server is getting ready while models load; "
        "False for replicas behind a proxy, which asks another one meanwhile.",
    )
    company: str = Field("", description="Company name shown to candidates.")
    contact: str = Field("", description="Mail address, link or words for the hand-over to a person.")
    encoder: str = Field(
        "",
        description="Empty: the packaged all-MiniLM-L6-v2 with the adapter trained on candidates' questions. "
        '"int8": the same in 8-bit integers. "base": without the adapter. Else the name or folder of a sentence-transformers model.',
    )
    reranker: str = Field(
        "", description="Name or folder of a cross-encoder that re-reads the best passages."
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Least probability that the evidence answers; empty: the fitted operating point. "
        "Higher refuses more.",
    )
    allow_private_addresses: bool = Field(
        False, description="Whether ingest.py may read websites inside your own network."
    )
    chroma_url: str = Field(
        "",
        description="Chroma server that holds the knowledge, as http://host:8000; empty: the store's folder does.",
    )
    chroma_token: SecretStr = Field(SecretStr(""), description="Its token, sent as X-Chroma-Token.")
    chroma_tenant: str = Field("", description="Tenant on that server; empty: its default.")
    chroma_database: str = Field("", description="Database on that server; empty: its default.")
    database: SecretStr = Field(
        SecretStr(""),
        description="SQLAlchemy URL of the database of conversations; empty: conversations.sqlite in the store.",
    )
    retention_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="Days that a conversation is kept; 0: conversations are not stored at all.",
    )
    embed_on: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Careers sites that may show the chat, as https://careers.example.com, comma between."
    )
    handover_webhook: str = Field(
        "", description="Address that gets the transcript a candidate agreed to send to a recruiter."
    )
    handover_mail: str = Field("", description="Mail address that gets such a transcript.")
    smtp_url: SecretStr = Field(
        SecretStr(""), description="Mail server for that: smtp://user:password@host:587, or smtps://."
    )
    oidc_issuer: str = Field(
        "", description="Issuer of the OpenID Connect provider that recruiters may sign in with; empty: none."
    )
    oidc_client_id: str = Field("", description="Client id that the provider gave to this console.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="And its secret.")
    secret: SecretStr = Field(
        SecretStr(""),
        description="Signs the cookie of an OpenID sign-in that is under way; needed where several servers share one name.",
    )
    limit_visitor: str = Field(
        "20/minute;200/hour",
        description="How often one chat may ask, as 20/minute;200/hour; empty: no limit.",
    )
    limit_address: str = Field(
        "120/minute;2000/hour",
        description="How often one address may ask, over all its chats; empty: no limit.",
    )
    limits_storage: SecretStr = Field(
        SecretStr(""),
        description="Where that is counted: redis://host:6379, shared by replicas; empty: in memory.",
    )
    trusted_proxies: str = Field(
        "", description="Addresses of proxies whose X-Forwarded-For is believed, comma between; empty: none."
    )
    log: Literal["text", "json"] = Field(
        "text", description='Form of the log on standard error: "text" for people, "json" for machines.'
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="What Prometheus sends as bearer token to read /metrics; empty: only this computer may.",
    )
    llm: str = Field("", description="Language model as provider:model; empty: answers without one.")
    llm_base_url: str = Field("", description="Base URL of an OpenAI-compatible server.")
    llm_api_key: SecretStr = Field(SecretStr(""), description="Key for the language model, if it needs one.")
    llm_per_day: int = Field(
        0,
        ge=0,
        description="Most calls of the language model a day; beyond, the default writer answers. 0: no limit.",
    )
    llm_timeout: float = Field(20.0, gt=0, description="Seconds a language model may take for one message.")

    @field_validator("embed_on", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("embed_on")
    @classmethod
    def _are_sites(cls, sites: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(_origin, sites)))

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        if "*" in value:
            raise ValueError("it must name one host")
        return _origin(value) if value else ""

    @field_validator("chroma_url")
    @classmethod
    def _is_server(cls, value: str) -> str:
        if value and not SERVER.fullmatch(value):
            raise ValueError("write it like http://chroma:8000; a token goes into CANDOR_CHROMA_TOKEN")
        return value.rstrip("/")

    @field_validator("limit_visitor", "limit_address")
    @classmethod
    def _are_limits(cls, value: str) -> str:
        try:
            parse_many(value) if value.strip() else None
        except ValueError:
            raise ValueError("write it like 20/minute;200/hour") from None
        return value

    @field_validator("handover_webhook")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not (urlsplit(value).scheme in ("http", "https") and urlsplit(value).hostname):
            raise ValueError("it must begin with https:// or http:// and name a host")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _is_issuer(cls, value: str) -> str:
        if value and not (urlsplit(value).scheme in ("http", "https") and urlsplit(value).hostname):
            raise ValueError("it must begin with https:// and name a host")
        return value

    @model_validator(mode="after")
    def _provider_knows_the_client(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret.get_secret_value()):
            raise ValueError("CANDOR_OIDC_ISSUER needs CANDOR_OIDC_CLIENT_ID and CANDOR_OIDC_CLIENT_SECRET")
        return self

    @model_validator(mode="after")
    def _mail_has_a_server(self) -> Self:
        url = urlsplit(self.smtp_url.get_secret_value())
        if self.handover_mail and not (url.scheme in ("smtp", "smtps") and url.hostname):
            raise ValueError(
                "CANDOR_HANDOVER_MAIL needs CANDOR_SMTP_URL, such as smtp://user:password@mail.example.com:587"
            )
        return self


def _origin(site: str) -> str:
    """A site as browsers spell an origin: in small letters, without a slash and without the port that is usual."""
    found = SITE.fullmatch(site.lower())
    scheme, host, port = (found[1], found[2], int(found[found.re.groups] or 0)) if found else ("", "", 0)
    if not scheme or port > 65535:
        raise ValueError(
            f"{site!r} is no site; write scheme and host, without a path, like https://careers.example.com "
            "(a name with letters beyond a to z as its xn-- form)"
        )
    usual = port in (0, 443 if scheme == "https" else 80)
    return f"{scheme}://{host}" if usual else f"{scheme}://{host}:{port}"


def load_settings(env_file: Path | str | None = ".env", **given: object) -> Settings:
    """Read the settings; `given` values that are not None win over the environment.

    Where they name no company or no contact, those that the sources' list gave to the store are taken.

    Raises pydantic's `ValidationError` on a bad value (`explained` makes it one line), and
    `ValueError` where the file cannot be read.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(_env_file=env_file, **chosen)  # type: ignore[call-arg, arg-type]
    except (UnicodeDecodeError, OSError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise ValueError(f"The settings in {env_file} cannot be read: {why}.") from error
    return settings if settings.company and settings.contact else _completed(settings)


def _completed(settings: Settings) -> Settings:
    """The settings with the company and contact that the store's sources name, where they name none."""
    from knowledge.store import StoreError, current_version, read_manifest  # noqa: PLC0415  (numpy: half a second)

    try:
        manifest = read_manifest(current_version(settings.store))
    except StoreError:  # nothing has been read yet; whoever opens the store will say so
        return settings
    known = {"company": manifest.company, "contact": manifest.contact}
    return settings.model_copy(update={n: v for n, v in known.items() if v and not getattr(settings, n)})


def explained(error: ValueError) -> str:
    """What is wrong with the settings, in one line: which variable, its value and what it should be."""
    if not isinstance(error, ValidationError):
        return str(error)
    wrong = []
    for entry in error.errors():
        name = str(entry["loc"][0]) if entry["loc"] else ""
        if not name:  # two settings that do not go together; the message names them
            wrong.append(f"{entry['msg'].removeprefix('Value error, ')}.")
            continue
        field = Settings.model_fields.get(name)
        secret = field is not None and field.annotation is SecretStr
        value = "the secret given" if secret else repr(entry["input"])
        wrong.append(f"CANDOR_{name.upper()} is {value}: {entry['msg'][0].lower()}{entry['msg'][1:]}.")
    return " ".join(wrong)
