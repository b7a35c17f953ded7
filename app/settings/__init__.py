"""Every environment variable, in one class; nothing else reads the environment.

What a value has to be is in `forms.py`, where values come from in `sources.py`.

`load_settings()` is called by the doors (worker, web, cli) and by the faces that the specification names. Everything
below takes what it needs as arguments.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.errors import ConfigurationError
from app.redaction import header_secrets, protect, url_secrets
from app.settings.forms import (
    BearerToken,
    Dollars,
    FlowerLogins,
    HmacKey,
    Hosts,
    LogFormat,
    LogLevel,
    Networks,
    OtlpUrl,
    RedisUrl,
    ServiceTier,
    Stripped,
    UrlPath,
    UrlWithLogin,
    WebhookSecret,
    WebhookUrl,
)
from app.settings.sources import NumberedKeys, SecretFiles


class LogSettings(BaseSettings):
    """How a process logs: apart, because a command logs although its other settings cannot be used."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    # --- logs
    log_format: LogFormat = Field(
        "auto", description="`json` or `text`; `auto`: services write JSON unless stderr is a terminal, commands text"
    )
    log_level: LogLevel = Field(
        None, description="least level that is logged; `INFO` for services, `WARNING` for commands"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object, info: ValidationInfo) -> object:
        """`NAME=` in a file or a platform's form means the default, not an empty value."""
        if isinstance(value, str) and not value.strip() and info.field_name:
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        return value


class Settings(LogSettings):
    """The settings table of the README is made from these fields. Times are seconds, sizes bytes."""

    # --- OpenAI keys: the first form that holds a key wins
    openai_api_keys: SecretStr | None = Field(None, description="keys, comma-separated")
    openai_numbered_keys: list[SecretStr] = Field(
        default_factory=list,
        validation_alias="openai_numbered_keys",
        description="OPENAI_API_KEY_1..n, collected in order",
    )
    openai_api_key: SecretStr | None = Field(None, description="a single key")
    openai_api_keys_file: Path | None = Field(None, description="a file with one key a line (secret mounts); watched")
    openai_key_rotation_strategy: str = Field("round_robin", description="how keys are selected")
    openai_key_groups: str = Field("", description="keys that share limits: `group=position,...;group=...`")
    openai_base_url: str = Field("https://api.openai.com/v1", description="where the API is")
    openai_model: str = Field("gpt-4.1-mini", description="the model that is asked for missing fields")
    openai_service_tier: ServiceTier = Field(
        None,
        description="tier of model calls: `auto`, `default`, `flex` (half price, slower), `priority`; empty: not sent",
    )
    openai_max_wait_seconds: float | None = Field(
        None, ge=0, le=600, description="longest wait for a key with room; 1.5 in tasks, 30 in direct use"
    )
    openai_timeout_seconds: float = Field(120.0, gt=0, le=600, description="longest silence of the API in one request")
    openai_proxy: UrlWithLogin = Field(None, description="URL of a proxy for requests to the API")

    # --- the Batch API: for jobs that are not urgent (`--economy`)
    openai_batch_collect_seconds: float = Field(
        600.0, ge=0, le=86_400, description="economy requests are sent together when the oldest has waited for so long"
    )
    openai_batch_max_requests: int = Field(
        50_000, ge=1, le=50_000, description="requests of one batch; so many are sent at once"
    )
    openai_batch_max_megabytes: float = Field(
        50.0, gt=0, le=200, description="size of one batch's file; what is full is sent at once"
    )
    openai_batch_poll_seconds: float = Field(
        60.0, ge=0.5, le=3600, description="gap between two looks at a batch that is under way"
    )
    openai_batch_max_wait_seconds: float = Field(
        93_600.0, gt=0, le=604_800, description="an economy request that has no answer by then is asked like any other"
    )

    # --- where state lives
    redis_url: RedisUrl = Field(None, description="Redis or Valkey; empty: the embedded Valkey")
    database_url: UrlWithLogin = Field(None, description="SQLAlchemy URL; empty: SQLite under PROPINTEL_HOME")
    propintel_home: Path = Field(Path(".propintel"), description="where the embedded services keep their state")

    # --- addresses
    sources_file: Path = Field(
        Path("sources.toml"),
        description="which pages are asked about an address; a relative path is below PROPINTEL_HOME",
    )

    source_secrets: SecretStr | None = Field(
        None, description="what `{secret:NAME}` in its URLs stands for: `NAME=value,...`; never stored nor shown"
    )
    source_secrets_file: Path | None = Field(
        None, description="the same in a file, `NAME=value` a line (secret mounts); read again whenever one is needed"
    )

    # --- the web door
    jwt_secret: HmacKey = Field(
        None, description="signs and checks tokens (HS256), at least 32 bytes; `up --web` makes one"
    )
    jwt_jwks_url: str | None = Field(None, description="checks tokens against an identity provider's keys instead")
    jwt_issuer: str = Field("property-intelligence", description="claim `iss` of tokens")
    jwt_audience: str = Field("property-intelligence", description="claim `aud` of tokens")
    metrics_token: BearerToken = Field(
        None, description="whoever reads `/metrics` must send it, at least 16 characters; empty: this machine only"
    )
    api_rate_limit_per_minute: int = Field(
        600, ge=0, le=10**6, description="requests of one caller a minute; 0: no limit"
    )
    api_daily_targets_per_caller: int | None = Field(
        None, ge=0, le=10**9, description="new jobs of one caller a UTC day, over HTTP"
    )
    port: int = Field(8000, ge=1, le=65535, description="port of the web door")

    # --- Flower: its own variables, as far as they are ours to answer for
    flower_basic_auth: FlowerLogins = Field(
        None, description="who may see Flower: `user:password,...`, at least 16 characters; empty: this machine only"
    )
    flower_address: Stripped = Field("127.0.0.1", description="where Flower listens; off loopback it needs a password")
    flower_port: int = Field(5555, ge=1, le=65535, description="port of Flower")
    flower_url_prefix: UrlPath = Field("", description="path of Flower behind a proxy, like `flower`")
    flower_read_only: bool = Field(
        True, description="nobody can stop workers, revoke or send tasks from Flower; `false`: whoever may see it can"
    )
    flower_max_tasks: int = Field(10_000, ge=100, le=10**6, description="tasks that Flower remembers, the latest")

    # --- fetching
    fetch_allowed_private_networks: Networks = Field(
        (), description="private CIDRs that may be fetched (tests, intranets), comma-separated"
    )
    fetch_user_agent: str = Field(
        "property-intelligence/0.1 (+https://github.com/property-intelligence/property-intelligence)",
        description="who we say we are; add your contact",
    )
    fetch_ignore_robots: Hosts = Field(
        (),
        description="hosts whose robots.txt forbids what their owner allowed you, comma-separated; each use is logged",
    )
    fetch_min_delay_seconds: float = Field(1.0, ge=0, le=3600, description="least gap between requests to one host")
    fetch_concurrency_per_host: int = Field(2, ge=1, le=64, description="requests under way to one host")
    fetch_browser_path: Path | None = Field(
        None, description="a Chromium that draws pages which are empty without their scripts; empty: none is drawn"
    )
    fetch_browser_hosts: Hosts = Field((), description="hosts whose pages are always drawn, comma-separated")
    fetch_browser_sandbox: bool = Field(
        True, description="Chromium's sandbox; `false` only where a container of its own is the sandbox"
    )
    fetch_browser_memory_bytes: int = Field(
        1_500_000_000, ge=300_000_000, le=10**11, description="a browser that takes more memory is ended"
    )

    # --- properties
    property_fresh_days: float = Field(
        30.0, gt=0, le=3650, description="a property that was read within so many days is not scraped again unasked"
    )

    # --- watches
    watch_interval_days: int = Field(
        7, ge=1, le=365, description="a watch is refreshed once in so many days unless it says otherwise"
    )
    watch_daily_pages: int = Field(
        1000, ge=0, le=10**9, description="requests for pages that all watches together make a UTC day at most; 0: none"
    )
    watch_daily_model_calls: int = Field(
        200, ge=0, le=10**9, description="model calls that all watches together cost a UTC day at most; 0: none"
    )
    watch_max_watches: int = Field(10_000, ge=1, le=10**7, description="so many watches there may be")

    # --- searches
    search_max_pages: int = Field(20, ge=1, le=1000, description="pages of results that one search is followed through")
    search_max_listings: int = Field(500, ge=1, le=10_000, description="listings that one search may yield")
    search_listing_hosts: Hosts = Field(
        (), description="hosts of other sites whose listings a search may yield, comma-separated"
    )

    # --- copies of pages
    page_retention_days: float = Field(
        365.0, ge=1, le=36500, description="copies of pages, and what models said of them, go so long after last use"
    )
    page_store_max_bytes: int = Field(
        10_000_000_000, ge=0, description="all copies of pages take at most this, packed; 0: no limit"
    )

    # --- privacy
    personal_data_retention_days: float = Field(
        365.0, ge=1, le=36500, description="names of people go so long after their page was last seen to say them"
    )
    observation_retention_days: float = Field(
        1825.0, ge=0, le=36500, description="values that no page shows any more go so long after; 0: never"
    )
    privacy_key: HmacKey = Field(
        None, description="keys the hashes of what was purged, 32 bytes or more; SQLite makes a file for it"
    )
    purge_journal: Path | None = Field(
        None,
        description="what was purged, in hashes, outside the database; empty: a file beside SQLite's, else none",
    )

    # --- webhooks
    webhook_secret: WebhookSecret = Field(
        None, description="signs webhooks: `whsec_` and base64 of 24 to 64 bytes; empty: they are not signed"
    )

    # --- alerts
    alert_webhook_url: WebhookUrl = Field(
        None, description="alerts are also POSTed here (Slack or any receiver of webhooks); only its host is ever shown"
    )
    alert_rate_limit_share: float = Field(
        0.05, gt=0, lt=1, description="alert when more of the last hour's requests were rate limited"
    )
    alert_key_age_days: float = Field(90.0, ge=1, le=3650, description="alert when a key is in use for longer")
    alert_budget_share: float = Field(0.9, ge=0.1, le=1, description="alert when so much of a daily budget is used")
    alert_beat_silent_seconds: float = Field(
        120.0, ge=5, le=86400, description="alert when no health report was made for so long, or three intervals"
    )

    # --- changes
    changes_fields: str = Field(
        "", description="fields whose changes are told, comma-separated; empty: those that docs/changes.md names"
    )
    changes_confirming_looks: int = Field(
        3, ge=0, le=20, description="further looks at a page that alone shows a change before it is told; 0: at once"
    )
    changes_webhook_url: WebhookUrl = Field(
        None, description="changes are also POSTed here, each on its own, in order; only its host is ever shown"
    )
    changes_retention_days: float = Field(365.0, ge=1, le=36500, description="the feed of changes goes back so far")

    # --- money
    budget_daily_model_calls: int | None = Field(None, ge=0, description="model calls a UTC day, whole fleet")
    budget_daily_tokens: int | None = Field(None, ge=0, description="model tokens a UTC day, whole fleet")
    budget_daily_usd: Dollars = Field(None, description="estimated US dollars a UTC day, whole fleet")
    budget_key_daily_model_calls: int | None = Field(None, ge=0, description="model calls a UTC day with one key")
    budget_key_daily_tokens: int | None = Field(None, ge=0, description="model tokens a UTC day with one key")
    budget_key_daily_usd: Dollars = Field(None, description="estimated US dollars a UTC day with one key")
    budget_batch_model_calls: int | None = Field(None, ge=0, description="model calls of one batch of jobs, in all")
    budget_batch_tokens: int | None = Field(None, ge=0, description="model tokens of one batch of jobs, in all")
    budget_batch_usd: Dollars = Field(None, description="estimated US dollars of one batch of jobs, in all")
    openai_prices: str = Field(
        "", description="prices of one's own: `model=input/output;...`, US dollars per million tokens"
    )

    # --- jobs
    worker_concurrency: int | None = Field(
        None, ge=1, le=1000, description="jobs that one worker does at once; empty: the number of processors"
    )
    scrape_deadline_seconds: float = Field(3600.0, gt=0, description="longest total wait for capacity of one job")
    job_lease_seconds: float = Field(30.0, ge=1, le=600, description="a dead worker's job is taken up after this time")
    openai_stats_file: Path | None = Field(None, description="the health report also goes to this JSON file")
    key_report_interval_seconds: float = Field(60.0, ge=1, le=86400, description="gap between health reports")

    # --- traces: the standard variables of OpenTelemetry
    otel_exporter_otlp_endpoint: OtlpUrl = Field(
        None, description="base URL of an OTLP receiver over HTTP (`http://localhost:4318`); empty: no traces"
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        None, description="headers for it, `name=value,...`, values percent-encoded"
    )
    otel_service_name: str = Field("property-intelligence", description="what traces call this service")
    otel_traces_sampler_arg: float = Field(1.0, ge=0, le=1, description="share of the jobs that are traced")

    def secrets(self) -> Iterator[str]:
        """What is secret here, in the forms in which a text may hold it; may be short.

        Every secret field as a whole, but of URLs and headers only what is secret in them. A URL that is no secret
        may hold a login nevertheless.
        """
        for name in type(self).model_fields:
            value = getattr(self, name)
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, SecretStr):
                    yield from filter(None, _secrets_of(name, one.get_secret_value()))
                elif isinstance(one, str) and "://" in one:
                    yield from filter(None, url_secrets(one))

    def protect_secrets(self) -> None:
        """From now on no log of this process shows a value that is secret here."""
        protect(self.secrets())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        env_file = getattr(dotenv_settings, "env_file", None)
        numbered, files = NumberedKeys(settings_cls, env_file), SecretFiles(settings_cls, env_file)
        # a secret's file counts where the variable is blank too, so it comes first
        return init_settings, files, env_settings, dotenv_settings, numbered, file_secret_settings


def _secrets_of(name: str, value: str) -> Iterator[str]:
    """What is secret in the secret field `name`, by the form that its name tells."""
    if name.endswith(("_url", "_proxy")):
        yield from url_secrets(value, path_too=True)
    elif name.endswith("_headers"):
        yield from header_secrets(value)
    elif name.endswith("_basic_auth"):
        logins = [login.strip() for login in value.split(",")]
        yield from (*logins, *(login.partition(":")[2] for login in logins))
    elif name == "source_secrets":
        yield from (entry.partition("=")[2].strip() for entry in value.split(","))
    else:
        yield value
        yield from (part.strip() for part in value.split(",") if name.endswith("_keys"))


#: How our variables begin, PORT apart: what a process that must not see its caller's configuration is spared. `OPENAI_`
#: covers the SDK's own.
VARIABLE_PREFIXES = tuple(sorted({f"{name.split('_')[0]}_".upper() for name in Settings.model_fields if "_" in name}))
#: what a program needs of its caller to run at all, and holds nothing of ours
_OF_THE_MACHINE = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


def bare_environment() -> dict[str, str]:
    """The environment of a program that is to know nothing of this service, its secrets least of all."""
    return {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}


def env_file_in_use() -> Path | None:
    """The file that `load_settings` reads beside the environment, absolute; None if there is none."""
    chosen = _env_file()
    path = Path(chosen).expanduser().absolute() if chosen else None
    return path if path is not None and path.is_file() else None


def load_settings() -> Settings:
    """Read the environment, then `.env` for what it lacks; `PROPINTEL_ENV_FILE` names another file, empty none.

    The secrets among them are protected: `app.redaction` hides them. Raises `ConfigurationError`, which names the first
    variable at fault and never shows a value.
    """
    settings = _load(Settings)
    settings.protect_secrets()
    return settings


def load_log_settings() -> LogSettings:
    """How to log, whatever else is set; otherwise as `load_settings`."""
    return _load(LogSettings)


def _env_file() -> str | None:
    return os.environ.get("PROPINTEL_ENV_FILE", ".env") or None


def _load[S: BaseSettings](kind: type[S]) -> S:
    try:
        return kind(_env_file=_env_file())
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
        variable = "_".join(str(part) for part in first["loc"][:1]).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(variable, message, "Correct it in the environment or in .env") from None
