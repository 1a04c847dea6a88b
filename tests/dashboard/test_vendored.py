"""What ships from others is what they published."""

import base64
import hashlib

from holdfast_dashboard.settings import TEMPLATES, vendored


def test_vendored_files_are_unchanged_and_all_listed() -> None:
    for library in vendored():
        found = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in library.folder.iterdir()
        }
        found.pop("vendor.toml")

        assert found == library.files
        assert library.folder.name == f"{library.name}-{library.version}"
        assert "LICENSE" in found


def test_the_integrity_of_the_package_is_a_sha512() -> None:
    for library in vendored():
        algorithm, _, digest = library.integrity.partition("-")
        assert (algorithm, len(base64.b64decode(digest))) == ("sha512", 64)


def test_pages_load_the_vendored_version() -> None:
    document = (TEMPLATES / "document.html").read_text(encoding="utf-8")

    for library in vendored():
        for name in library.files.keys() - {"LICENSE"}:
            assert f"/static/vendor/{library.folder.name}/{name}" in document
