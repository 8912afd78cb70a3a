"""What is in the wheel."""

from __future__ import annotations

import ast
import email
import importlib.metadata
import os
from pathlib import Path
from zipfile import ZipFile

import opensre

ROOT = Path(__file__).parents[1]


def wheel() -> Path:
    folder = Path(os.environ.get("OPENSRE_WHEELS", ROOT.parents[1] / "target" / "wheels"))
    [found] = folder.glob("opensre-*.whl")
    return found


def test_one_wheel_is_for_every_python_since_3_10() -> None:
    name, version, python, abi, platform = wheel().stem.split("-")
    assert (name, python, abi) == ("opensre", "cp310", "abi3")
    assert version == opensre.__version__ == importlib.metadata.version("opensre")
    assert platform.startswith(("linux", "manylinux", "musllinux", "macosx"))


def test_it_holds_code_stubs_and_licence_and_nothing_else() -> None:
    info = f"opensre-{opensre.__version__}.dist-info"
    with ZipFile(wheel()) as opened:
        assert set(opened.namelist()) == {
            "opensre/__init__.py",
            "opensre/_native.abi3.so",
            "opensre/_native.pyi",
            "opensre/_resolved.py",
            "opensre/errors.py",
            "opensre/integrations/__init__.py",
            "opensre/integrations/catalog.py",
            "opensre/integrations/selectors.py",
            "opensre/integrations/store.py",
            "opensre/py.typed",
            f"{info}/METADATA",
            f"{info}/RECORD",
            f"{info}/WHEEL",
            f"{info}/licenses/LICENSE",
        }
        metadata = email.message_from_bytes(opened.read(f"{info}/METADATA"))
        assert opened.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert str(metadata.get_payload()).rstrip() == (ROOT / "README.md").read_text().rstrip()


def test_every_module_is_python_of_3_10() -> None:
    for path in (ROOT / "python").rglob("*.py*"):
        if path.suffix in {".py", ".pyi"}:
            ast.parse(path.read_text(), filename=str(path), feature_version=(3, 10))


def test_what_the_seeds_users_import_is_there() -> None:
    from opensre.integrations import catalog, selectors, store

    for module in [opensre, catalog, selectors, store]:
        for name in module.__all__:
            assert getattr(module, name).__doc__, name
