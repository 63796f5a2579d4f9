"""Fixtures that more than one test file uses."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def shared() -> Path:
    """The folder of other companies' pages beside the project; without it a test skips, and fails in CI."""
    folder = Path(os.environ.get("CANDOR_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        message = f"{folder} is missing: set CANDOR_SHARED to the folder with the shared sources"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder
