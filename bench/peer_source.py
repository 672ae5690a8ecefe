"""llama.cpp built from PyPI's source archive of llama-cpp-python: its server, its libraries, and the Python over them.

Once, under $XDG_CACHE_HOME/roma/peer: the archive (76 MB), its build (six minutes of two quiet CPUs, at the lowest priority but four) and a
virtual environment with what its Python needs. A build that was broken off goes on where it was. A build for AVX2, without AVX-512 and AVX-VNNI, is one
beside it, of the libraries alone.

usage: peer_source.py [avx2]     builds, and says what is there
"""
import hashlib
import os
import shutil
import subprocess
import sys

VERSION = "0.3.36"
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
NAME = f"llama_cpp_python-{VERSION}"
PACKAGES = ["numpy==2.4.6", "gguf==0.19.0", "typing_extensions", "diskcache", "jinja2"]
# As it comes but for what it does not need here: tests, TLS, its page (which a build would fetch).
OPTIONS = ["-DCMAKE_BUILD_TYPE=Release", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_OPENSSL=OFF",
           "-DLLAMA_BUILD_UI=OFF", "-DLLAMA_USE_PREBUILT_UI=OFF"]
# What the kernels may use, by name: the folder of the build, its options, the target.
ISAS = {"native": ("build", ["-DGGML_NATIVE=ON"], "llama-server"),
        "avx2": ("build-avx2", ["-DGGML_NATIVE=OFF", *(f"-DGGML_{i}=ON" for i in ("SSE42", "AVX", "AVX2", "BMI2", "FMA", "F16C"))], "llama")}
HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "roma", "peer")
SOURCE, VENV = os.path.join(CACHE, NAME), os.path.join(CACHE, "venv")
SERVER = os.path.join(CACHE, ISAS["native"][0], "bin", "llama-server")
PYTHON = os.path.join(VENV, "bin", "python")


def run(what, cmd, **env):
    """With its output in a file, whose end is shown when it fails."""
    log = os.path.join(CACHE, "log")
    with open(log, "w") as f:
        r = subprocess.run(cmd, stdout=f, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=os.environ | env)
    if r.returncode:
        with open(log) as f:
            print("".join(f.readlines()[-5:]), end="", file=sys.stderr)
        sys.exit(f"{what} failed; all of it is in {log}")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def fetch():
    archive = os.path.join(CACHE, NAME + ".tar.gz")
    if not os.path.exists(archive):
        print(f"fetching {NAME} (76 MB, once)", file=sys.stderr)
        run("the download of llama-cpp-python", [PYTHON, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
                                                 "-d", CACHE, f"llama-cpp-python=={VERSION}"])
    if sha256(archive) != SHA256:
        sys.exit(f"{archive} is not the archive that was expected; remove it to fetch it again")
    run("unpacking " + archive, ["tar", "-xzf", archive, "-C", CACHE])


def commit():
    """Of llama.cpp, as the archive's own history says it."""
    r = subprocess.run(["git", "-c", "safe.directory=*", "-C", SOURCE, "ls-tree", "HEAD", "vendor/llama.cpp"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return r.stdout.split()[2][:9] if r.returncode == 0 and r.stdout else "unknown"


def venv():
    """PYTHON with NumPy and gguf, which adapters are made with."""
    os.makedirs(CACHE, exist_ok=True)
    stamp = os.path.join(VENV, "packages")
    if not os.path.exists(stamp) or open(stamp).read() != " ".join(PACKAGES):
        run("the virtual environment", [sys.executable, "-m", "venv", VENV])
        run("pip install", [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES])
        with open(stamp, "w") as f:
            f.write(" ".join(PACKAGES))


def build(isa="native"):
    """Brings everything about that is not there; returns what was built, as text."""
    for tool in ("cmake", "c++"):
        if not shutil.which(tool):
            sys.exit(f"there is no {tool}; apt-get install cmake g++")
    venv()
    folder, kernels, target = ISAS[isa]
    where = os.path.join(CACHE, folder)
    done = os.path.join(where, "done")
    want = " ".join([NAME, OPTIONS[0], *kernels, *OPTIONS[1:]])
    if not os.path.exists(done) or open(done).read() != want:
        fetch()
        print(f"building {target} of llama.cpp, {isa} (six minutes on a quiet machine, once)", file=sys.stderr)
        alone = {"GIT_CEILING_DIRECTORIES": CACHE}          # no commit of somebody else's
        run("cmake", ["cmake", "-S", os.path.join(SOURCE, "vendor", "llama.cpp"), "-B", where, *kernels, *OPTIONS], **alone)
        run("the build of llama.cpp", ["nice", "-n", "15", "cmake", "--build", where, "--target", target, "-j", str(os.cpu_count())], **alone)
        with open(done, "w") as f:
            f.write(want)
    return f"llama-cpp-python {VERSION}, llama.cpp {commit()}"


def python_env(isa="native"):
    """For PYTHON to import llama_cpp from the archive, over the libraries of the build."""
    return {"PYTHONPATH": SOURCE, "LLAMA_CPP_LIB_PATH": os.path.join(CACHE, ISAS[isa][0], "bin")}


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "native"
    if chosen not in ISAS:
        sys.exit("usage: peer_source.py [" + "|".join(ISAS) + "]")
    print(build(chosen))
    print(python_env(chosen)["LLAMA_CPP_LIB_PATH"])
