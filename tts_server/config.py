"""The table of the server's settings. `settings.py` adds those of the engines and reads them all.

The module is longer than others because it is one table, each setting with its default, range and description.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from tts_server.languages import language_code
from tts_server.origins import ANY, parse_origin
from tts_server.ranges import SAMPLE_RATE, SEED
from tts_server.setting_messages import unknown_names

PROJECT = Path(__file__).resolve().parent.parent

ENV_FILE = ".env"

_REVISION = re.compile(r"\w[\w.-]*")


class SettingsError(Exception):
    """A setting has an invalid value; the message names it and says what is valid."""


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f'must be JSON such as {{"tts-1": "embedded"}} ({error.msg})') from error


def _level(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """Return a text in lower case, without blanks around it; for validators of settings."""
    return value.strip().lower() if isinstance(value, str) else value


def _language(value: Any) -> Any:
    code = language_code(value) if isinstance(value, str) else None
    if code is None:
        raise ValueError("must be a language code such as 'en' or 'pt-br'")
    return code


def _revisions(value: Any) -> Any:
    """`main` and `chatterbox-turbo=COMMIT, chatterbox-nano=main` as a mapping; the name of what is for all models is empty."""
    if not isinstance(value, str):
        return value
    pairs = [part.rpartition("=") for part in _split(value)]
    if any(not _REVISION.fullmatch(revision.strip()) for *_, revision in pairs):
        raise ValueError("must be a revision such as 'main', or pairs such as 'chatterbox-turbo=main', comma-separated")
    return {name.strip().lower(): revision.strip() for name, _, revision in pairs}


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(parse_origin)], ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Every setting with its default and meaning. The environment variable is the field's name in capitals."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore", populate_by_name=True, frozen=True
    )

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. `0.0.0.0` makes the server reachable from your network, `::` over IPv6 as well: set `API_KEYS` "
        "too.",
    )
    port: int = Field(
        5093, ge=0, le=65535, validation_alias=AliasChoices("port", "service_port"), description="Port to listen on. 0: any free port."
    )
    open_browser: bool = Field(True, description="Open the page in the browser at start, if there is a desktop.")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_level)] = Field(
        "INFO", description="Lowest level that is logged: `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`."
    )
    log_format: Annotated[Literal["text", "json"], BeforeValidator(lower)] = Field(
        "text", description="Format of the log, with one line for each event: `text`, or `json` for programs that collect logs."
    )
    log_text: bool = Field(False, description="Log the texts that are synthesized. By default no part of them is written to the log.")

    api_keys: Names = Field(
        (), description="API keys, separated by commas. When set, every route except `/health`, `/healthz` and the page requires one."
    )
    chatterbox_api_key: str = Field("", description="One more API key. The name is that of an earlier server.")
    api_keys_file: Path = Field(
        PROJECT / "keys.json",
        description="File with further keys, each with a name and roles, which `./run.sh keys` writes. If it exists, a key is required.",
    )
    listings_open: bool = Field(
        False,
        description="Serve the lists of models and voices to clients that send no key. Some clients request them without one.",
    )
    allowed_hosts: Names = Field(
        (), description="Further host names of this server, such as `tts.example.com`. `*` turns the check of the Host header off."
    )
    allow_local_names: bool = Field(
        False,
        description="Accept every host name without a dot or with a suffix such as `.local` or `.lan`. Any machine in the same network can "
        "claim such a name and serve a web page that reaches the server by it. This machine's own name is always accepted.",
    )
    enable_cors: bool | None = Field(
        None,
        description="Whether pages of other sites may call the API. Unset: those in `CORS_ORIGINS`. True without `CORS_ORIGINS`: all.",
    )
    cors_origins: Origins = Field(
        (),
        validation_alias=AliasChoices("cors_origins", "cors_allow_origins"),
        description="Origins allowed by CORS, comma-separated, such as `http://localhost:8000`. `*` means any.",
    )

    model_id_map: Annotated[dict[str, str], NoDecode, BeforeValidator(_json)] = Field(
        {}, description='Further model names, as JSON: `{"my-voice": "embedded"}`. They are added to the built-in ones.'
    )
    default_model: str = Field("embedded", description="The model behind `tts-1`, `gpt-4o-mini-tts`, `chatterbox` and unknown names.")
    strict_models: bool = Field(False, description="Answer 404 to an unknown model name instead of using the default model.")
    served_model_name: str = Field("", description="A further name for the default model.")
    preload_models: Names = Field(
        (), description="Models to load at start, comma-separated, such as `chatterbox-turbo`. The default model is always loaded."
    )
    model_loading: Literal["managers", "anyone"] = Field(
        "managers",
        description="Which requests may cause a model to be downloaded or loaded: `managers`: those with a key of the role `admin` and, "
        "without keys, those to a server that only this machine can reach; `anyone`: all requests for speech. The default model and those "
        "in `PRELOAD_MODELS` load for every request.",
    )
    keep_alive_minutes: float = Field(
        15.0,
        description="Minutes without a request after which a Chatterbox model is unloaded; the next request loads it again. "
        "0: as soon as it is unused. Below 0: never.",
    )
    model_memory_mb: int = Field(
        0, ge=0, description="Memory for all loaded models, in MB; the least recently used one is unloaded first. 0: no limit."
    )
    model_dir: Path | None = Field(
        None,
        description="Folder with the files of a model, or with one folder for each model id. Models found there are not downloaded.",
    )
    hf_home: str = Field("", description="Folder for downloaded models (Hugging Face's own variable).")
    hf_endpoint: str = Field("", description="Address of a mirror of the Hugging Face hub (Hugging Face's own variable).")
    hf_token: str = Field("", description="Token for downloading models (Hugging Face's own variable).")
    hf_hub_offline: bool = Field(False, description="Never download; use what is on this machine (Hugging Face's own variable).")
    model_revision: Annotated[dict[str, str], NoDecode, BeforeValidator(_revisions)] = Field(
        {},
        description="Revision of the models' repositories on the hub to use instead of the pinned commits: a branch, tag or full commit. "
        "A branch such as `main` is looked up each time a model is loaded. `chatterbox-turbo=main`: for that model alone.",
    )

    voice_library_path: Path = Field(
        PROJECT / "voices", description="Folder of voices: each audio file is a voice, named by the file name without its extension."
    )
    voice_cache_path: Path = Field(
        PROJECT / ".cache" / "voices",
        description="Folder for prepared voices of Chatterbox. The embedded voice prepares in a moment and writes nothing there.",
    )
    pronunciation_path: Path = Field(
        PROJECT / "dictionaries", description="Folder of pronunciation dictionaries, which are created over the API."
    )
    pronunciation_dictionaries: Names = Field(
        (),
        description="Ids or names of pronunciation dictionaries applied to every text, comma-separated; earlier ones take precedence.",
    )
    resonance_voices: str = Field(
        "",
        description="Voices of `POST /generate`: a folder, or a bucket as `s3://bucket/prefix`. Unset: the folder of `VOICE_LIBRARY_PATH`.",
    )
    resonance_s3_endpoint: str = Field(
        "", description="Address of the bucket's service, such as `https://account.r2.cloudflarestorage.com`. Unset: AWS."
    )
    resonance_s3_region: str = Field("", description="Region of the bucket; `auto` for Cloudflare R2. Unset: the value of `AWS_REGION`.")
    resonance_s3_access_key_id: str = Field("", description="Access key id for the bucket. Unset: the value of `AWS_ACCESS_KEY_ID`.")
    resonance_s3_secret_access_key: str = Field("", description="Secret access key. Unset: the value of `AWS_SECRET_ACCESS_KEY`.")
    default_voice_name: str = Field("alloy", description="Voice for requests without one.")
    default_language: Annotated[str, BeforeValidator(_language)] = Field(
        "en",
        description="Language of texts whose language cannot be detected, such as those of fewer than 20 letters, as a code: `de`, "
        "`pt-br`. The field `language` of a request takes precedence.",
    )
    seed: int | None = Field(
        None, ge=SEED.minimum, le=SEED.maximum, description="Seed for requests without one. Unset: a random seed for each request."
    )

    max_text_length: int = Field(4096, ge=1, description="Maximum length of the text of one request, in characters.")
    max_audio_seconds: float = Field(
        3600.0,
        gt=0,
        description="Maximum duration of the audio of one reply, in seconds. A longer text is refused before synthesis. Unless this is "
        "set, a larger `MAX_TEXT_LENGTH` raises it.",
    )
    max_reply_mb: int = Field(
        256,
        ge=1,
        description="Maximum size of the audio of one reply, in MB, checked before synthesis as well. Unless this is set, a larger "
        "`MAX_TEXT_LENGTH` raises it.",
    )
    sample_rate: int = Field(
        24000, ge=SAMPLE_RATE.minimum, le=SAMPLE_RATE.maximum, description="Sample rate of replies, in Hz, for requests without one."
    )
    max_upload_bytes: int = Field(
        25 * 2**20,
        ge=1024,
        validation_alias=AliasChoices("max_upload_bytes", "max_prompt_bytes"),
        description="Maximum size of a reference clip, in bytes.",
    )
    max_clip_seconds: float = Field(120.0, ge=1, description="Maximum duration of a reference clip, in seconds.")
    voice_url_allow_http: bool = Field(False, description="Allow http in `voice_url`, not only https.")
    voice_url_allow_private: bool = Field(
        False,
        description="Allow private addresses in `voice_url`. Every client that may request speech can then make the server fetch from your "
        "network.",
    )
    cache_ttl_minutes: float = Field(
        0.0, ge=0, description="Minutes for which finished audio is cached on disk for identical requests. 0: no cache."
    )
    cache_max_mb: int = Field(512, ge=1, description="Disk space for the cache, in MB; the least recently used audio is removed first.")
    cache_scope: Annotated[Literal["shared", "key"], BeforeValidator(lower)] = Field(
        "shared",
        description="Which clients share cached audio: `shared`: all. `key`: only requests with the same key, so that no key can find "
        "out which texts another one has sent. Clients without a key share one part.",
    )
    cache_path: Path = Field(PROJECT / ".cache" / "audio", description="Folder of the cache; one server can use it at a time.")

    threads: int = Field(
        64,
        ge=4,
        le=1024,
        description="Requests for audio that are processed at the same time. Requests that wait for a slow reader or fetch a clip do "
        "not count.",
    )
    max_queue: int = Field(
        256, ge=0, le=10_000, description="Maximum number of waiting requests; further ones get a 503 with `Retry-After`."
    )
    queue_policy: Annotated[Literal["fifo", "short_first"], BeforeValidator(lower)] = Field(
        "fifo",
        description="Order of the requests that wait: `fifo` by arrival, `short_first` shorter requests first. Those with an admin key go "
        "first in both. At most 16 later requests overtake one that waits.",
    )
    rate_limit: str = Field(
        "",
        description="Rate limit for requests for audio, for each key or, without keys, each address, such as `60/minute` or "
        "`10/second;1000/hour`. Unset: no limit.",
    )
    trusted_proxy: str = Field(
        "",
        description="Address of the reverse proxy in front of the server, such as `127.0.0.1`. The addresses of clients are taken from its "
        "`X-Forwarded-For`.",
    )
    max_websockets: int = Field(
        100,
        ge=0,
        le=1000,
        description="Maximum number of open WebSockets; each has its own thread. At the limit, the one that has been idle longest is "
        "closed for a new one, if it has been idle for a minute.",
    )
    max_websockets_per_client: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Maximum number of open WebSockets of one key or, without keys, of one address. Programs on the server's own machine "
        "that send no key are not counted. Unset: half of `MAX_WEBSOCKETS`.",
    )
    max_connections_per_address: int = Field(
        0,
        ge=0,
        description="Maximum number of open connections of one address; 0: three quarters of all. Addresses of this machine and of "
        "`TRUSTED_PROXY`, which stand for many clients, are not limited.",
    )
    max_buffered_mb: int = Field(
        1024,
        ge=64,
        description="Size of all buffered requests and replies, in memory and in temporary files, in MB. One address may use a quarter, "
        "except for those of this machine and of `TRUSTED_PROXY`. Above the limit, large uploads get a 503.",
    )
    max_upload_seconds: float = Field(600.0, ge=1, description="Seconds in which the body of one request must arrive; then it gets a 408.")
    stall_seconds: float = Field(
        60.0, ge=1, description="Seconds after which a client that does not read its audio is disconnected, and its synthesis stops."
    )
    stuck_seconds: float = Field(
        120.0,
        ge=1,
        description="Seconds without progress after which an engine counts as stuck: its requests end with a 503, and it is restarted.",
    )
    stop_seconds: float = Field(
        8.0, ge=0, le=3600, description="Seconds that running requests have to end when the server stops; then they are aborted."
    )

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.api_keys, *([self.chatterbox_api_key] if self.chatterbox_api_key else []))

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        if self.enable_cors is False:
            return ()
        return self.cors_origins or (("*",) if self.enable_cors else ())

    @property
    def is_loopback(self) -> bool:
        """Whether the server listens on an address that only this machine can reach."""
        host = self.host.strip("[]").lower()
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def exposed_by(self) -> str | None:
        """The setting that makes the server reachable from outside of this machine; None if there is none."""
        if not self.is_loopback:
            return "HOST"
        if self.trusted_proxy:
            return "TRUSTED_PROXY"
        if any(host == "*" or not _is_own_name(host) for host in self.allowed_hosts):
            return "ALLOWED_HOSTS"
        if ANY in self.allowed_origins:
            return "CORS_ORIGINS" if self.cors_origins else "ENABLE_CORS"
        return "ALLOW_LOCAL_NAMES" if self.allow_local_names else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = Path(os.environ.get("CONFIG_FILE") or "config.toml")
        return init_settings, env_settings, dotenv_settings, _SettingsFile(settings_cls, file)


def _is_own_name(host: str) -> bool:
    """Return whether a name always means this machine, however it is resolved."""
    name = host.lower().strip("[]").rstrip(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


class _SettingsFile(TomlConfigSettingsSource):
    """The TOML file. Unlike the environment it holds nothing but settings, so a misspelt name is an error."""

    def __call__(self) -> dict[str, Any]:
        values = {name.lower(): value for name, value in super().__call__().items()}
        known = variables_of(self.settings_cls)
        if unknown := sorted(values.keys() - {name.lower() for name in known}):
            raise SettingsError(f"config.toml: {unknown_names([name.upper() for name in unknown], known)}")
        return values


def environment_names(name: str, field: FieldInfo) -> list[str]:
    """The variables that set a field; the first is its own name."""
    alias = field.validation_alias
    names = [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [name]
    return [n.upper() for n in names]


def variables_of(settings: type[BaseSettings]) -> set[str]:
    """Return the variables of all settings of a class, their second names included."""
    return {variable for name, field in settings.model_fields.items() for variable in environment_names(name, field)}
