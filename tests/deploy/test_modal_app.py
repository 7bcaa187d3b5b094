"""The Modal app, imported with Modal's own SDK: what it declares, without an account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tts_server.settings import settings_class

APP = Path(__file__).resolve().parents[2] / "deploy" / "modal" / "app.py"

DECLARE = """
import json, runpy, sys
import modal

declared = {"buckets": []}

def note(name, method):
    def called(self, *arguments, **options):
        declared[name] = {key: value for key, value in options.items() if isinstance(value, (str, int, float, bool, type(None)))}
        declared[name]["volumes"] = {str(path): type(volume).__name__ for path, volume in options.get("volumes", {}).items()}
        declared[name]["secrets"] = len(options.get("secrets", ()))
        return method(self, *arguments, **options)
    return called

modal.App.server = note("server", modal.App.server)
modal.App.function = note("function", modal.App.function)

class Bucket(modal.CloudBucketMount):
    def __init__(self, *arguments, **options):
        declared["buckets"].append({"name": arguments[0], "read_only": options["read_only"], "endpoint": options["bucket_endpoint_url"]})
        super().__init__(*arguments, **options)

modal.CloudBucketMount = Bucket
module = runpy.run_path(sys.argv[1])
declared["settings"] = module["settings"]
declared["app"] = module["app"].name
print(json.dumps(declared))
"""


def declare(**environment: str) -> dict[str, Any]:
    """What the app declares with these variables set."""
    done = subprocess.run(
        [sys.executable, "-c", DECLARE, str(APP)], env={**os.environ, **environment}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    return declare()


def test_a_server_with_a_gpu_scales_to_zero_and_ends_its_replies(declared):
    server = declared["server"]
    assert (server["gpu"], server["min_containers"], server["scaledown_window"]) == ("L4", 0, 300)
    assert server["exit_grace_period"] > int(declared["settings"]["STOP_SECONDS"])
    assert server["port"] == int(declared["settings"]["PORT"])


def test_clients_need_a_key_of_the_server_and_none_of_modal(declared):
    assert declared["server"]["unauthenticated"] is True
    assert declared["server"]["secrets"] == declared["function"]["secrets"] == 1
    assert declared["settings"]["ALLOWED_HOSTS"] == "*"


def test_models_are_kept_in_a_volume(declared):
    assert declared["server"]["volumes"] == {"/data": "Volume"}
    assert declared["settings"]["HF_HOME"].startswith("/data/")


def test_every_setting_exists_and_has_a_right_value(declared):
    settings = {name.lower(): value for name, value in declared["settings"].items()}
    assert set(settings) <= set(settings_class().model_fields)
    settings_class()(_env_file=None, **settings)


def test_a_bucket_of_voices_is_mounted_for_reading():
    declared = declare(PARLANCE_BUCKET="voices", PARLANCE_BUCKET_ENDPOINT="https://account.r2.cloudflarestorage.com")
    (bucket,) = declared["buckets"]
    assert bucket == {"name": "voices", "read_only": True, "endpoint": "https://account.r2.cloudflarestorage.com"}
    assert declared["server"]["volumes"]["/bucket"] == "Bucket"
    assert declared["settings"]["RESONANCE_VOICES"] == "/bucket"


def test_the_kind_of_gpu_and_the_limits_can_be_chosen():
    declared = declare(PARLANCE_GPU="H100", PARLANCE_SCALEDOWN_SECONDS="60", PARLANCE_MAX_CONTAINERS="2", PARLANCE_MODEL="chatterbox-nano")
    assert (declared["server"]["gpu"], declared["server"]["scaledown_window"]) == ("H100", 60)
    assert declared["server"]["max_containers"] == 2
    assert declared["settings"]["DEFAULT_MODEL"] == "chatterbox-nano"
