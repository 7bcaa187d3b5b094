"""The table of the server's settings. `settings.py` adds those of the engines and reads them all."""

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
from tts_server.setting_messages import unknown_names

PROJECT = Path(__file__).resolve().parent.parent

ENV_FILE = ".env"

_REVISION = re.compile(r"\w[\w.-]*")


class SettingsError(Exception):
    """A setting has a wrong value; the message names it and says what it may be."""


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
        description="Address to listen on. `0.0.0.0` opens the server to your network, `::` by IPv6 as well: set `API_KEYS` too.",
    )
    port: int = Field(
        5093, ge=0, le=65535, validation_alias=AliasChoices("port", "service_port"), description="Port to listen on; 0 takes any free one."
    )
    open_browser: bool = Field(True, description="Open the page in the browser at start, where there is a desktop.")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_level)] = Field(
        "INFO", description="How much the log says: `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`."
    )
    log_format: Annotated[Literal["text", "json"], BeforeValidator(lower)] = Field(
        "text", description="How it says it, in one line for each event: `text`, or `json` for programs that collect logs."
    )
    log_text: bool = Field(False, description="Also log the texts that are spoken. Otherwise no word of them is written anywhere.")

    api_keys: Names = Field(
        (), description="Keys, separated by commas. When set, every route but `/health`, `/healthz` and the page needs one."
    )
    chatterbox_api_key: str = Field("", description="One more key, under the name an earlier server used.")
    api_keys_file: Path = Field(
        PROJECT / "keys.json",
        description="File of more keys, each with a name and roles, which `./run.sh keys` writes. Where it exists, a key is needed.",
    )
    listings_open: bool = Field(
        False, description="Answer the lists of models and voices without a key to clients that send none; some ask for them so."
    )
    allowed_hosts: Names = Field(
        (), description="More names this server is reached by, such as `tts.example.com`. `*` switches the check of the Host header off."
    )
    allow_local_names: bool = Field(
        False,
        description="Answer to every name without a dot or with an ending such as `.local` or `.lan`. Any machine in the same network can "
        "claim such a name and let a web page reach the server by it; this machine's own name is always answered to.",
    )
    enable_cors: bool | None = Field(
        None,
        description="Whether pages of other sites may call the API. Unset: those of `CORS_ORIGINS`. True without `CORS_ORIGINS`: all.",
    )
    cors_origins: Origins = Field(
        (),
        validation_alias=AliasChoices("cors_origins", "cors_allow_origins"),
        description="Origins allowed by CORS, comma-separated, such as `http://localhost:8000`. `*` means any.",
    )

    model_id_map: Annotated[dict[str, str], NoDecode, BeforeValidator(_json)] = Field(
        {}, description='More model names, as JSON: `{"my-voice": "embedded"}`. They are added to the built-in ones.'
    )
    default_model: str = Field("embedded", description="The model behind `tts-1`, `gpt-4o-mini-tts`, `chatterbox` and unknown names.")
    strict_models: bool = Field(False, description="Answer 404 to an unknown model name instead of using the default model.")
    served_model_name: str = Field("", description="One more name for the default model.")
    preload_models: Names = Field(
        (), description="Models to load at start, comma-separated, such as `chatterbox-turbo`. The default model always is."
    )
    model_loading: Literal["managers", "anyone"] = Field(
        "managers",
        description="Who may have a model downloaded or loaded by asking for it: `managers` are keys with the role `admin` and, where no "
        "key is set, clients of a server that only this machine reaches; `anyone` is whoever may speak. The default model and those of "
        "`PRELOAD_MODELS` load for everybody.",
    )
    keep_alive_minutes: float = Field(
        15.0,
        description="Minutes without a request after which a Chatterbox model is unloaded; the next request loads it again. "
        "0: as soon as nobody uses it. Below 0: never.",
    )
    model_memory_mb: int = Field(
        0, ge=0, description="Memory that the loaded models may hold together, in MB; the one unused for longest makes room. 0: no limit."
    )
    model_dir: Path | None = Field(
        None, description="Folder of model files, or of one folder for each model's id: nothing is downloaded for models found there."
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
        PROJECT / "voices", description="Folder of voices: each audio file in it is a voice, named by its stem."
    )
    voice_cache_path: Path = Field(
        PROJECT / ".cache" / "voices",
        description="Folder for prepared voices of Chatterbox. The embedded voice prepares in a moment and writes nothing there.",
    )
    pronunciation_path: Path = Field(
        PROJECT / "dictionaries", description="Folder of pronunciation dictionaries, which are made over the API."
    )
    pronunciation_dictionaries: Names = Field(
        (),
        description="Ids or names of pronunciation dictionaries that every text is read with, comma-separated; the first counts first.",
    )
    resonance_voices: str = Field(
        "",
        description="Voices of `POST /generate`: a folder, or a bucket as `s3://bucket/prefix`. Unset: the folder of `VOICE_LIBRARY_PATH`.",
    )
    resonance_s3_endpoint: str = Field(
        "", description="Address of the bucket's service, such as `https://account.r2.cloudflarestorage.com`. Unset: AWS."
    )
    resonance_s3_region: str = Field("", description="Region of the bucket; `auto` for Cloudflare R2. Unset: what `AWS_REGION` says.")
    resonance_s3_access_key_id: str = Field("", description="Key that opens the bucket. Unset: what `AWS_ACCESS_KEY_ID` says.")
    resonance_s3_secret_access_key: str = Field("", description="Its secret. Unset: what `AWS_SECRET_ACCESS_KEY` says.")
    default_voice_name: str = Field("alloy", description="Voice of requests that name none.")
    default_language: Annotated[str, BeforeValidator(_language)] = Field(
        "en",
        description="Language of texts that do not show theirs, such as those of fewer than 20 letters, as a code: `de`, `pt-br`. "
        "A request's `language` wins.",
    )
    seed: int | None = Field(
        None, ge=0, le=2**63 - 1, description="Seed of requests that bring none; unset, each request sounds a little different."
    )

    max_text_length: int = Field(4096, ge=1, description="Longest text of one request, in characters.")
    max_audio_seconds: float = Field(
        3600.0,
        gt=0,
        description="Longest audio of one reply, in seconds; a text that would take longer is refused before it is spoken. Unless this is "
        "set, a larger `MAX_TEXT_LENGTH` raises it.",
    )
    max_reply_mb: int = Field(
        256,
        ge=1,
        description="Largest audio of one reply, in MB, with the same check before it is spoken. Unless this is set, a larger "
        "`MAX_TEXT_LENGTH` raises it.",
    )
    sample_rate: int = Field(24000, ge=8000, le=48000, description="Sample rate of replies, in Hz, unless the request says otherwise.")
    max_upload_bytes: int = Field(
        25 * 2**20,
        ge=1024,
        validation_alias=AliasChoices("max_upload_bytes", "max_prompt_bytes"),
        description="Largest reference clip, in bytes.",
    )
    max_clip_seconds: float = Field(120.0, ge=1, description="Longest reference clip, in seconds.")
    voice_url_allow_http: bool = Field(False, description="Let `voice_url` use plain http besides https.")
    voice_url_allow_private: bool = Field(
        False,
        description="Let `voice_url` reach addresses of your own network. Anyone who may speak can then make the server fetch from it.",
    )
    cache_ttl_minutes: float = Field(
        0.0, ge=0, description="Minutes for which finished audio is kept on disk and given again to the same request. 0: nothing is kept."
    )
    cache_max_mb: int = Field(512, ge=1, description="Most disk space for that audio, in MB; what was not used for longest makes room.")
    cache_scope: Annotated[Literal["shared", "key"], BeforeValidator(lower)] = Field(
        "shared",
        description="Who hears again what is kept: `shared`: every client. `key`: the key that asked for it alone, so that no key can find "
        "out what another has had spoken. Clients without a key share theirs.",
    )
    cache_path: Path = Field(PROJECT / ".cache" / "audio", description="Folder for that audio; one server can use it at a time.")

    threads: int = Field(
        64,
        ge=4,
        le=1024,
        description="Requests for audio that are worked on at the same time; those whose readers are slow or whose clips are fetched do "
        "not count.",
    )
    max_queue: int = Field(
        256, ge=0, le=10_000, description="Requests that may wait while so many are answered; one more gets a 503 with `Retry-After`."
    )
    queue_policy: Annotated[Literal["fifo", "short_first"], BeforeValidator(lower)] = Field(
        "fifo",
        description="Order of the requests that wait: `fifo` by arrival, `short_first` shorter requests first. Those with an admin key go "
        "first in both. At most 16 later requests overtake one that waits.",
    )
    rate_limit: str = Field(
        "",
        description="How often one key, or without keys one address, may ask for audio, such as `60/minute` or `10/second;1000/hour`. "
        "Unset: as often as it likes.",
    )
    trusted_proxy: str = Field(
        "",
        description="Address of the reverse proxy in front of the server, such as `127.0.0.1`: clients are known by what its "
        "`X-Forwarded-For` says.",
    )
    max_websockets: int = Field(
        100,
        ge=0,
        le=1000,
        description="WebSockets open at the same time; each has a thread of its own. Where there are as many, the one on which nothing was "
        "asked or spoken for longest, and for a minute at least, is closed for a new one.",
    )
    max_websockets_per_client: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="WebSockets of one key, or without keys of one address, at the same time. Programs on the server's own machine that "
        "send no key are not counted. Unset: half of `MAX_WEBSOCKETS`.",
    )
    max_connections_per_address: int = Field(
        0,
        ge=0,
        description="Connections that one address may have open at the same time; 0: three quarters of all. Addresses of this machine and "
        "of `TRUSTED_PROXY`, behind which there are many clients, may have all.",
    )
    max_buffered_mb: int = Field(
        1024,
        ge=64,
        description="Bytes that the server buffers for all requests that it reads or answers, in memory and in temporary files, in MB. One "
        "address may have a quarter, but for those of this machine and of `TRUSTED_PROXY`. Beyond, large uploads get a 503.",
    )
    max_upload_seconds: float = Field(
        600.0, ge=1, description="Longest time that the body of one request may take to arrive; then it gets a 408."
    )
    stall_seconds: float = Field(
        60.0, ge=1, description="Seconds after which a client that takes nothing of its audio is cut off, which ends its work."
    )
    stuck_seconds: float = Field(
        120.0,
        ge=1,
        description="Seconds without progress after which an engine counts as stuck: its requests end with a 503, and it begins anew.",
    )
    stop_seconds: float = Field(
        8.0, ge=0, le=3600, description="Seconds that running requests have to end once the server is told to stop; then they are cut off."
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
        """Whether the server listens on an address that only this machine reaches."""
        host = self.host.strip("[]").lower()
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def exposed_by(self) -> str | None:
        """The setting by which others than the users of this machine may reach the server, None where none does."""
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
    """Whether a name can mean nothing but this machine, however it is looked up."""
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
