"""Settings come from the environment, `.env` and a file, and wrong ones are refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tts_server.build import build_synthesizer
from tts_server.config import SettingsError
from tts_server.settings import find_misspelt_settings, load_settings

EARLIER_SERVERS = """DEVICE SAMPLE_RATE VOICE_LIBRARY_PATH VOICE_CACHE_PATH DEFAULT_VOICE_NAME MAX_TEXT_LENGTH MAX_PROMPT_BYTES
MODEL_ID_MAP ENABLE_CORS CORS_ORIGINS CORS_ALLOW_ORIGINS CACHE_TTL_MINUTES SERVED_MODEL_NAME SEED LOG_LEVEL
SERVICE_PORT HF_HOME HF_TOKEN CHATTERBOX_API_KEY""".split()


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_any_source_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.max_text_length) == ("127.0.0.1", 5093, 4096)


def test_the_environment_beats_dotenv_which_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("config.toml").write_text('port = 1001\nhost = "10.0.0.1"\ndefault_voice_name = "onyx"\n', encoding="utf-8")
    Path(".env").write_text("PORT=1002\nHOST=10.0.0.2\n", encoding="utf-8")
    monkeypatch.setenv("PORT", "1003")
    settings = load_settings()
    assert (settings.port, settings.host, settings.default_voice_name) == (1003, "10.0.0.2", "onyx")


def test_an_argument_of_the_command_line_beats_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1003")
    assert load_settings(port=1004).port == 1004


def test_an_empty_variable_is_not_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert load_settings().port == 5093


EXAMPLES = {
    "SAMPLE_RATE": "16000",
    "MAX_TEXT_LENGTH": "500",
    "MAX_PROMPT_BYTES": "1000000",
    "MODEL_ID_MAP": '{"kokoro": "chatterbox"}',
    "ENABLE_CORS": "true",
    "CORS_ORIGINS": "http://localhost:8000",
    "CORS_ALLOW_ORIGINS": "http://localhost:8000",
    "CACHE_TTL_MINUTES": "60",
    "SEED": "7",
    "LOG_LEVEL": "debug",
    "SERVICE_PORT": "6001",
}


@pytest.mark.parametrize("name", EARLIER_SERVERS)
def test_keys_of_the_earlier_servers_are_accepted_and_set_something(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings()
    monkeypatch.setenv(name, EXAMPLES.get(name, "something"))
    assert load_settings() != before


def test_a_name_of_the_model_map_may_lead_to_another_public_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_ID_MAP", '{"kokoro": "chatterbox"}')
    synthesizer = build_synthesizer(load_settings())
    assert synthesizer.catalog.resolve("kokoro") == "embedded"
    synthesizer.catalog.engine("embedded").close()


def test_service_port_sets_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_PORT", "6001")
    assert load_settings().port == 6001


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "one, two ,,")
    monkeypatch.setenv("CHATTERBOX_API_KEY", "three")
    assert load_settings().keys == ("one", "two", "three")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("MAX_TEXT_LENGTH", "0"),
        ("SAMPLE_RATE", "7000"),
        ("LOG_LEVEL", "shout"),
        ("MODEL_ID_MAP", "{not json"),
        ("ENABLE_CORS", "perhaps"),
        ("SEED", "-1"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"(?mi)^{name}: .*{re.escape(value)}"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "abc", "PORT: 'abc' is not a whole number."),
        ("PORT", "1.5", "PORT: '1.5' is not a whole number."),
        ("SERVICE_PORT", "abc", "PORT: 'abc' is not a whole number."),
        ("PORT", "70000", "PORT: '70000' is too large; it must be at most 65535."),
        ("MAX_CLIP_SECONDS", "long", "MAX_CLIP_SECONDS: 'long' is not a number."),
        ("MAX_TEXT_LENGTH", "0", "MAX_TEXT_LENGTH: '0' is too small; it must be at least 1."),
        ("ENABLE_CORS", "perhaps", "ENABLE_CORS: 'perhaps' is neither true nor false."),
        ("LOG_LEVEL", "shout", "LOG_LEVEL: 'SHOUT' is not possible; it must be 'DEBUG', 'INFO'"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert words in str(error.value)


@pytest.mark.parametrize(
    "line", ["host = 5", "api_keys = 5", "model_id_map = 5", 'port = "a"', "port = []", "open_browser = 7", "hf_home = {}"]
)
def test_a_value_of_another_type_in_the_file_is_told_in_plain_words(line: str) -> None:
    Path("config.toml").write_text(line, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"^{line.partition(' ')[0].upper()}: .* is (not|neither) ") as error:
        load_settings()
    assert "Input should" not in str(error.value)


def test_an_unreadable_env_file_is_named() -> None:
    Path(".env").write_bytes("HOST=Größe".encode("cp1252"))
    with pytest.raises(SettingsError, match=r"^\.env cannot be read"):
        load_settings()


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        ("PROT HOTS", ["HOTS. Did you mean HOST?", "PROT. Did you mean PORT?"]),
        ("api_key CORS_ORIGIN", ["API_KEY. Did you mean API_KEYS", "CORS_ORIGIN. Did you mean CORS_ORIGINS"]),
        ("RESONANCE_FOLDER", ["RESONANCE_FOLDER."]),
        ("POSTGRES_HOST DB_PORT HOSTNAME NODE_ENV OPENAI_API_KEY TZ PATH USER REDIS_URL", []),
        ("PORT port SERVICE_PORT", []),
    ],
)
def test_names_in_the_env_file_that_are_near_to_settings_are_warned_of(names: str, warned: list[str]) -> None:
    Path(".env").write_text("".join(f"{name}=1\n" for name in names.split()), encoding="utf-8")
    load_settings()
    found = find_misspelt_settings()
    assert len(found) == len(warned)
    for warning, words in zip(found, warned, strict=True):
        assert warning.startswith(f".env: There is no setting {words}")


def test_variables_that_have_no_effect_in_the_env_file_are_warned_of() -> None:
    Path(".env").write_text("PARLANCE_SERVER=http://nas:5093\n", encoding="utf-8")
    assert find_misspelt_settings() == [".env: PARLANCE_SERVER has no effect in this file. Set it in the environment."]


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("SEED", "xyz")
    with pytest.raises(SettingsError, match=r"PORT: .*\n.*SEED: |SEED: .*\n.*PORT: "):
        load_settings()


def test_a_broken_file_is_refused_in_words() -> None:
    Path("config.toml").write_text("port = = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match="config.toml"):
        load_settings()


def test_a_misspelt_name_in_the_file_is_refused() -> None:
    Path("config.toml").write_text("prot = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match="There is no setting PROT. Did you mean PORT?"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"), [("DEFAULT_VOICE_NAME", "nobody"), ("DEFAULT_MODEL", "nothing"), ("MODEL_ID_MAP", '{"a": "nothing"}')]
)
def test_a_name_that_leads_nowhere_is_refused_at_start(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        build_synthesizer(load_settings())
