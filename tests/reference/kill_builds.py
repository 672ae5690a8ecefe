#!/usr/bin/env python3
"""Builds of a folder killed (kill -9) at random points and taken up again: the image has the same bytes as one of an undisturbed build.

usage: kill_builds.py ROMA FOLDER OUT [KILLS]

FOLDER is a Hugging Face folder of any size (bench/hf_shape.py makes one of random weights of a known shape), OUT an empty folder with room for
the image. KILLS (50) are spread over builds of three kills each; q8, rtn at 4 bits and nf4 take turns. A point is uniform over
the time of a whole build, so that later ones of a build may come after its end: those are not counted. Each build prints a line.
"""
import glob
import hashlib
import os
import random
import signal
import subprocess
import sys
import time

WAYS = ((), ("--method", "rtn"), ("--method", "nf4"))


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 22):
            h.update(block)
    return h.hexdigest()


def build(roma, folder, image, how, *more):
    return subprocess.Popen([roma, "build", folder, "-o", image, *how, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def whole(roma, folder, image, how, *more):
    """Builds to the end; the seconds that it took."""
    began = time.time()
    p = build(roma, folder, image, how, *more)
    said = p.communicate()[1]
    if p.returncode:
        sys.exit(f"kill_builds: the build failed: {said.decode(errors='replace')}")
    return time.time() - began


def has_record(image):
    """Whether what a killed build left is a record to take up."""
    left = glob.glob(os.path.join(os.path.dirname(image), ".image.roma.tmp-*"))
    if not left:
        return False
    with open(left[0], "rb") as f:
        return f.read(8) == b"ROMAPART"


def killed_once(p, seconds):
    """Kills p after that time; False where p was over before."""
    try:
        p.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGKILL)
        p.communicate()
        return True


def main(roma, folder, out, kills=50):
    image = os.path.join(out, "image.roma")
    took, want = [], []
    for how in WAYS:
        took.append(whole(roma, folder, image, how))
        want.append(digest(image))
        print(f"undisturbed {' '.join(how) or 'q8'}: {took[-1]:.0f} s, {os.path.getsize(image)} bytes, sha256 {want[-1]}", flush=True)
    rng, done, taken, builds = random.Random(11), 0, 0, 0
    while done < kills:
        way = builds % len(WAYS)
        os.remove(image)
        points = []
        for _ in range(min(3, kills - done)):
            at = took[way] * rng.random()
            if not killed_once(build(roma, folder, image, WAYS[way], "--resume"), at):
                break
            points.append(f"{at:.1f}")
            done += 1
            taken += has_record(image)
        if not os.path.exists(image):
            whole(roma, folder, image, WAYS[way], "--resume")
        same = digest(image) == want[way]
        builds += 1
        print(f"build {builds} {' '.join(WAYS[way]) or 'q8'}: killed after {', '.join(points)} s: {'the same bytes' if same else 'OTHER BYTES'}", flush=True)
        if not same or glob.glob(os.path.join(out, ".image.roma.tmp-*")):
            sys.exit("kill_builds: other bytes, or a temporary is left")
    print(f"{done} kills in {builds} builds, {taken} of them left a record to take up: the same bytes each time")


if __name__ == "__main__":
    main(*sys.argv[1:4], *(int(a) for a in sys.argv[4:5]))
