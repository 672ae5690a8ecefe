"""Builds the wheel of `pip install ./python` (PEP 517): the library comes from this checkout's make, or is one that is
installed. Needs a C compiler and make, and no other package; docs/python.md."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
REQUIRES = ["cffi>=1.15", "numpy>=1.20"]


def _read(*parts):
    with open(os.path.join(*parts), "rb") as f:
        return f.read()


def _is_checkout():
    return os.path.exists(os.path.join(TOP, "Makefile")) and os.path.exists(os.path.join(TOP, "src", "roma", "face.c"))


def _installed(what):
    """A variable of the pkg-config file that `make install` puts; an exception where there is none."""
    try:
        return subprocess.run(["pkg-config", what, "roma"], check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit("roma: no checkout beside this folder and no libroma that pkg-config finds; set ROMA_LIBRARY and ROMA_HEADER") from None


def _header():
    """Path of the roma.h that the library was, or is to be, made with."""
    if "ROMA_HEADER" in os.environ:
        return os.environ["ROMA_HEADER"]
    return os.path.join(TOP if _is_checkout() else _installed("--variable=prefix"), "include", "roma", "roma.h")


def _library(work):
    """Path of libroma.so, which a checkout makes."""
    if "ROMA_LIBRARY" in os.environ:
        return os.environ["ROMA_LIBRARY"]
    if not _is_checkout():
        return os.path.join(_installed("--variable=prefix"), "lib", "libroma.so")
    compiler = os.environ.get("CC") or next((c for c in ("gcc", "clang", "cc") if shutil.which(c)), "gcc")
    has_zlib = subprocess.run([*compiler.split(), "-E", "-"], input="#include <zlib.h>\n", text=True, capture_output=True).returncode == 0
    build = "build" if has_zlib else "build/nozlib"
    target = [f"BUILD={build}", f"{build}/libroma.so"] + ([] if has_zlib else ["ZLIB=no"])
    subprocess.run(["make", "-s", f"-j{os.cpu_count() or 1}", "-C", TOP, f"CC={compiler}", *target], check=True)
    stripped = os.path.join(work, "libroma.so")
    shutil.copy(os.path.join(TOP, build, "libroma.so"), stripped)
    if shutil.which("strip"):
        subprocess.run(["strip", "--strip-unneeded", stripped], check=False)
    return stripped


def _version(header):
    return ".".join(re.findall(rb"#define ROMA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)[i].decode() for i in range(3))


def _metadata(version):
    lines = [
        "Metadata-Version: 2.1", "Name: roma", f"Version: {version}", "Summary: Language models in the arithmetic of the ROMA chip, and what the chip would do with them",
        "Requires-Python: >=3.9", *(f"Requires-Dist: {r}" for r in REQUIRES),
    ]  # fmt: skip
    return "\n".join(lines).encode() + b"\n"


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    version = _version(_read(_header()))
    info = f"roma-{version}.dist-info"
    os.makedirs(os.path.join(metadata_directory, info))
    with open(os.path.join(metadata_directory, info, "METADATA"), "wb") as f:
        f.write(_metadata(version))
    return info


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with tempfile.TemporaryDirectory() as work:
        files = {"roma/libroma.so": _read(_library(work)), "roma/roma.h": _read(_header())}
    version = _version(files["roma/roma.h"])
    tag = "py3-none-" + re.sub(r"[-.]", "_", sysconfig.get_platform())
    for name in sorted(os.listdir(os.path.join(HERE, "roma"))):
        if name.endswith(".py") or name == "py.typed":
            files[f"roma/{name}"] = _read(HERE, "roma", name)
    info = f"roma-{version}.dist-info"
    files[f"{info}/METADATA"] = _metadata(version)
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: roma_wheel\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    record = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    wheel = f"roma-{version}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    raise SystemExit("roma: the sources are the checkout; build a wheel of it")
