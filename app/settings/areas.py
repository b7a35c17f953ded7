"""The settings by area.

A variable's name is the prefix of its area and the name of its field: `FETCH_USER_AGENT` is `fetch.user_agent`. In
areas without a prefix, the field's name is the variable's name in lowercase.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.settings import forms
from app.settings.sources import OtherVariables


class Area(BaseSettings):
    """Base class of an area's settings. Instances are immutable. Names of durations and sizes end with the unit."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    @classmethod
    def variables(cls) -> Iterator[tuple[str, str]]:
        """Return the name of each variable of this area, and the name of its field."""
        prefix = cls.model_config.get("env_prefix", "")
        return ((f"{prefix}{name}".upper(), name) for name in cls.model_fields)

    @field_validator("*", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object, info: ValidationInfo) -> object:
        """Replace a blank value with the default, because `NAME=` in an env file or a web form means "not set"."""
        if isinstance(value, str) and not value.strip() and info.field_name:
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        other = OtherVariables(settings_cls, getattr(dotenv_settings, "env_file", None))
        # Secret files come before the environment, because a blank variable must not hide the file's value.
        return init_settings, other, env_settings, dotenv_settings, file_secret_settings


class OpenAISettings(Area):
    """OpenAI: keys, calls, and batches."""

    model_config = SettingsConfigDict(env_prefix="OPENAI_")

    api_keys: SecretStr | None = Field(None, description="API keys, separated by commas.")
    numbered_keys: list[SecretStr] = Field(
        default_factory=list, description="One key per variable, used in the order of their numbers."
    )
    api_key: SecretStr | None = Field(None, description="A single API key.")
    api_keys_file: Path | None = Field(
        None, description="A file with one key per line, such as a mounted secret. It is reloaded when it changes."
    )
    key_rotation_strategy: str = Field(
        "round_robin", description="How the next key is chosen: `round_robin`, `least_used`, `most_headroom`, `random`."
    )
    key_groups: str = Field(
        "", description="Keys that share rate limits: `group=position,...;group=...`. Positions count from 1."
    )
    base_url: str = Field("https://api.openai.com/v1", description="Base URL of the API.")
    key_base_urls: str = Field(
        "",
        description="Keys with their own base URL: `position,...=URL;...`. Positions count from 1. In the keys file, a"
        " URL follows its key.",
    )
    allow_plain_http: bool = Field(
        False,
        description="Allow sending keys to a base URL with `http://` on another machine, where anyone on the network"
        " path can read them. Loopback is always allowed.",
    )
    model: str = Field("gpt-4.1-mini", description="The model that reads missing fields.")
    text_tokens: int = Field(
        3_500, ge=200, le=100_000, description="Most tokens of a page's text that are sent to a model."
    )
    service_tier: forms.ServiceTier = Field(
        None, description="Service tier of model calls; `flex` costs half and is slower. Empty: not sent."
    )
    max_wait_seconds: float | None = Field(
        None,
        ge=0,
        le=600,
        description="Longest wait of a request for a key that has capacity, or for a provider that fails. Default: 1.5"
        " in tasks, 30 elsewhere.",
    )
    timeout_seconds: float = Field(
        120.0,
        gt=0,
        le=600,
        description="Longest time of a request to the API with one key, until its answer is complete. A stream has this"
        " time for each event.",
    )
    max_answer_megabytes: float = Field(
        32.0, gt=0, le=1_000, description="Largest answer of the API, and largest event of a stream, also decompressed."
    )
    max_file_megabytes: float = Field(
        1_000.0, gt=0, le=10_000, description="Largest file, such as the results of a batch, and largest whole stream."
    )
    max_stream_seconds: float = Field(3_600.0, gt=0, le=86_400, description="Longest time of a whole stream.")
    proxy: forms.UrlWithLogin = Field(None, description="URL of a proxy for requests to the API.")
    batch_collect_seconds: float = Field(
        600.0, ge=0, le=86_400, description="A batch is sent when its oldest request has waited this long."
    )
    batch_max_requests: int = Field(
        50_000, ge=1, le=50_000, description="Most requests in one batch. A full batch is sent at once."
    )
    batch_max_megabytes: float = Field(
        50.0, gt=0, le=200, description="Largest file of one batch. A full batch is sent at once."
    )
    batch_poll_seconds: float = Field(
        60.0, ge=0.5, le=3600, description="Time between two status checks of a running batch."
    )
    batch_max_wait_seconds: float = Field(
        93_600.0, gt=0, le=604_800, description="After this, the request is sent as a normal API call."
    )
    prices: str = Field(
        "",
        description="Prices that replace the known ones, in US dollars per million tokens: `model=input/output;...`, or"
        " `model=input/output/cached;...` where cached input is cheaper.",
    )
    stats_file: Path | None = Field(None, description="The key report is also written to this JSON file.")


class ReadingSettings(Area):
    """Reading pages: the model and recipes."""

    model_use: forms.ModelUse = Field(
        "missing",
        description="When a model is asked about a page: `always`, `missing` (when fields are missing or doubtful), or"
        " `never`.",
    )
    recipe_use: forms.OnOff = Field(
        "on", description="Learn where a site's pages state each field, and read the next pages without a model."
    )
    recipe_audit_share: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Share of pages that a model is asked about as a check, although a recipe reads them. Young recipes"
        " are checked more often. 0: none.",
    )


class StateSettings(Area):
    """State: Redis, the database, and the home folder."""

    redis_url: forms.RedisUrl = Field(None, description="URL of Redis or Valkey. Empty: the embedded Valkey.")
    database_url: forms.UrlWithLogin = Field(
        None, description="SQLAlchemy URL of the database. Empty: SQLite in PROPINTEL_HOME."
    )
    propintel_home: Path = Field(Path(".propintel"), description="Folder for the state of the embedded services.")


class AddressSettings(Area):
    """Addresses: the sources that are searched."""

    sources_file: Path = Field(
        Path("sources.toml"),
        description="Lists the pages that are searched for an address. A relative path starts at PROPINTEL_HOME.",
    )
    source_secrets: SecretStr | None = Field(
        None, description="Values for `{secret:NAME}` in source URLs: `NAME=value,...`. Never stored and never shown."
    )
    source_secrets_file: Path | None = Field(
        None, description="The same in a file, one `NAME=value` per line, such as a mounted secret. Read at each use."
    )


class WebSettings(Area):
    """HTTP API and web pages."""

    jwt_secret: forms.HmacKey = Field(
        None, description="Signs and verifies tokens (HS256). At least 32 bytes. `up --web` creates one."
    )
    jwt_jwks_url: forms.JwksUrl = Field(
        None, description="Tokens are verified with the keys of this identity provider instead."
    )
    jwt_issuer: str = Field("property-intelligence", description="Claim `iss` of tokens.")
    jwt_audience: str = Field("property-intelligence", description="Claim `aud` of tokens.")
    metrics_token: forms.BearerToken = Field(
        None, description="Bearer token for `/metrics`, at least 16 characters. Empty: only this machine may read it."
    )
    api_rate_limit_per_minute: int = Field(
        600, ge=0, le=10**6, description="Requests per caller and minute. 0: no limit."
    )
    api_daily_targets_per_caller: int | None = Field(
        None,
        ge=0,
        le=10**9,
        description="Jobs per caller and UTC day over HTTP, with retries and refreshes of watches. Empty: no limit.",
    )
    port: int = Field(8000, ge=1, le=65535, description="Port of the HTTP server.")
    trusted_proxies: forms.Proxies = Field(
        (),
        description="Reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are used: addresses or CIDRs,"
        " separated by commas. Empty: none.",
    )


class FlowerSettings(Area):
    """Flower: the variables of Flower that this service checks."""

    model_config = SettingsConfigDict(env_prefix="FLOWER_")

    basic_auth: forms.FlowerLogins = Field(
        None,
        description="Logins for Flower: `user:password,...`, 16 characters or more. Empty: only from this machine.",
    )
    address: forms.Stripped = Field(
        "127.0.0.1", description="Address that Flower listens on. Any other than loopback needs a password."
    )
    port: int = Field(5555, ge=1, le=65535, description="Port of Flower.")
    url_prefix: forms.UrlPath = Field("", description="Path of Flower behind a proxy, such as `flower`.")
    read_only: bool = Field(
        True,
        description="Nobody can stop workers or revoke or send tasks in Flower. `false`: every user of Flower can.",
    )
    max_tasks: int = Field(10_000, ge=100, le=10**6, description="How many of the latest tasks Flower keeps.")


class FetchSettings(Area):
    """Fetching."""

    model_config = SettingsConfigDict(env_prefix="FETCH_")

    allowed_private_networks: forms.Networks = Field(
        (), description="Private networks that may be fetched, as CIDRs separated by commas."
    )
    user_agent: str = Field(
        "property-intelligence/0.1 (+https://github.com/property-intelligence/property-intelligence)",
        description="User-Agent of requests for pages. Add your contact.",
    )
    ignore_robots: forms.Hosts = Field(
        (), description="Hosts whose robots.txt is ignored, with their owner's permission; logged. Separated by commas."
    )
    min_delay_seconds: float = Field(1.0, ge=0, le=3600, description="Least time between two requests to one host.")
    concurrency_per_host: int = Field(2, ge=1, le=64, description="Most requests to one host at a time.")
    browser_path: Path | None = Field(
        None, description="A Chromium, to render pages that are empty without scripts. Empty: they are not rendered."
    )
    browser_hosts: forms.Hosts = Field((), description="Hosts whose pages are always rendered, separated by commas.")
    browser_sandbox: bool = Field(
        True, description="Chromium's sandbox. `false` only if the container itself is a sandbox."
    )
    browser_memory_bytes: int = Field(
        1_500_000_000, ge=300_000_000, le=10**11, description="A browser that uses more memory is stopped."
    )


class WatchSettings(Area):
    """Watches."""

    model_config = SettingsConfigDict(env_prefix="WATCH_")

    interval_days: int = Field(
        7, ge=1, le=365, description="Time between two refreshes of a watched property, unless the watch has its own."
    )
    daily_pages: int = Field(
        1000, ge=0, le=10**9, description="Most page requests of all watches per UTC day. 0: none."
    )
    daily_model_calls: int = Field(
        200, ge=0, le=10**9, description="Most model calls of all watches per UTC day. 0: none."
    )
    max_watches: int = Field(10_000, ge=1, le=10**7, description="Most watches.")


class SearchSettings(Area):
    """Searches."""

    model_config = SettingsConfigDict(env_prefix="SEARCH_")

    max_pages: int = Field(20, ge=1, le=1000, description="Most result pages that are followed in one search.")
    max_listings: int = Field(500, ge=1, le=10_000, description="Most listings that one search returns.")
    listing_hosts: forms.Hosts = Field(
        (), description="More hosts whose listings a search may return, separated by commas."
    )


class RetentionSettings(Area):
    """Retention: how long data is kept, and the key that hashes purged names."""

    page_retention_days: float = Field(
        365.0,
        ge=1,
        le=36500,
        description="Copies of pages and answers of models are deleted this long after their last use.",
    )
    page_store_max_bytes: int = Field(
        10_000_000_000, ge=0, description="Largest total size of all page copies, compressed. 0: no limit."
    )
    personal_data_retention_days: float = Field(
        365.0, ge=1, le=36500, description="Names of people are deleted this long after a page last showed them."
    )
    observation_retention_days: float = Field(
        1825.0, ge=0, le=36500, description="Values are deleted this long after the last page showed them. 0: never."
    )
    privacy_key: forms.HmacKey = Field(
        None,
        description="Key of the hashes of purged names, at least 32 bytes. Empty, with SQLite: a key file is created.",
    )


class AlertSettings(Area):
    """Alerts."""

    model_config = SettingsConfigDict(env_prefix="ALERT_")

    webhook_url: forms.WebhookUrl = Field(
        None, description="Alerts are also POSTed to this URL (Slack, or any webhook receiver). Only its host is shown."
    )
    key_age_days: float = Field(90.0, ge=1, le=3650, description="Alert when a key has been in use for longer.")
    budget_share: float = Field(0.9, ge=0.1, le=1, description="Alert when this share of a daily budget is used.")


class ChangesSettings(Area):
    """Changes."""

    model_config = SettingsConfigDict(env_prefix="CHANGES_")

    fields: str = Field(
        "", description="Fields whose changes are published, separated by commas. Empty: those in docs/changes.md."
    )
    confirming_looks: int = Field(
        3, ge=0, le=20, description="More fetches of a page before a change that only it shows is published. 0: none."
    )
    webhook_url: forms.WebhookUrl = Field(
        None, description="Each change is also POSTed to this URL, in order. Only its host is shown."
    )
    retention_days: float = Field(
        365.0, ge=1, le=36500, description="Changes are deleted from the feed after this time."
    )


class ExportSettings(Area):
    """Exports and briefs."""

    model_config = SettingsConfigDict(env_prefix="EXPORT_")

    min_confidence: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A value with a lower confidence is not exported as a value, only with the evidence. 0: all are.",
    )


class BudgetSettings(Area):
    """Budgets: how much model calls may use. An empty setting means no limit."""

    model_config = SettingsConfigDict(env_prefix="BUDGET_")

    daily_model_calls: int | None = Field(None, ge=0, description="Model calls per UTC day, all workers together.")
    daily_tokens: int | None = Field(None, ge=0, description="Model tokens per UTC day, all workers together.")
    daily_usd: forms.Dollars = Field(None, description="Estimated US dollars per UTC day, all workers together.")
    key_daily_model_calls: int | None = Field(None, ge=0, description="Model calls per UTC day with one key.")
    key_daily_tokens: int | None = Field(None, ge=0, description="Model tokens per UTC day with one key.")
    key_daily_usd: forms.Dollars = Field(None, description="Estimated US dollars per UTC day with one key.")
    batch_model_calls: int | None = Field(None, ge=0, description="Model calls of one batch of jobs.")
    batch_tokens: int | None = Field(None, ge=0, description="Model tokens of one batch of jobs.")
    batch_usd: forms.Dollars = Field(None, description="Estimated US dollars of one batch of jobs.")


class JobSettings(Area):
    """Jobs."""

    property_fresh_days: float = Field(
        30.0,
        gt=0,
        le=3650,
        description="A property that was read within this time is not scraped again, unless asked to.",
    )
    job_retention_days: float = Field(
        90.0,
        ge=1,
        le=36500,
        description="Jobs are deleted this long after their batch was complete. At least PROPERTY_FRESH_DAYS.",
    )
    webhook_secret: forms.WebhookSecret = Field(
        None, description="Signs webhooks: `whsec_` and the base64 of 24 to 64 bytes. Empty: webhooks are not signed."
    )
    worker_concurrency: int | None = Field(
        None, ge=1, le=1000, description="How many jobs a worker runs at once. Empty: one per processor."
    )
    scrape_deadline_seconds: float = Field(
        3600.0, gt=0, description="Longest total time that a job waits for capacity, or for a provider that is away."
    )
    job_lease_seconds: float = Field(
        30.0, ge=1, le=600, description="How long before another worker takes over a crashed worker's job."
    )
    key_report_interval_seconds: float = Field(60.0, ge=1, le=86400, description="Time between two key reports.")

    @field_validator("job_retention_days")
    @classmethod
    def _outlasts_freshness(cls, days: float, info: ValidationInfo) -> float:
        """Require at least PROPERTY_FRESH_DAYS, because only a stored job shows that an address was read recently."""
        if days < info.data.get("property_fresh_days", 0):
            raise ValueError("Input should be at least PROPERTY_FRESH_DAYS")
        return days


class TraceSettings(Area):
    """Traces: the standard variables of OpenTelemetry."""

    model_config = SettingsConfigDict(env_prefix="OTEL_")

    exporter_otlp_endpoint: forms.OtlpUrl = Field(
        None, description="Base URL of an OTLP receiver over HTTP, such as `http://localhost:4318`. Empty: no traces."
    )
    exporter_otlp_headers: SecretStr | None = Field(
        None, description="Headers for the receiver: `name=value,...`, values percent-encoded."
    )
    service_name: str = Field("property-intelligence", description="Name of this service in traces.")
    traces_sampler_arg: float = Field(1.0, ge=0, le=1, description="Share of jobs that are traced.")


class LogSettings(Area):
    """Logs: commands use these settings even if another setting is invalid."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    format: forms.LogFormat = Field(
        "auto",
        description="`json` or `text`. `auto`: services write JSON unless stderr is a terminal, commands write text.",
    )
    level: forms.LogLevel = Field(
        None, description="The least severe level that is logged. Default: `INFO` for services, `WARNING` for commands."
    )
