"""A headless Chromium, driven over its DevTools pipe: messages of JSON with a 0 behind, on descriptors 3 and 4. No package is needed."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37, "ArrowDown": 40, "ArrowUp": 38, "Home": 36, "End": 35, " ": 32}
SHIFT = 8


def find():
    """The path of a Chromium, or None."""
    return next((p for p in map(shutil.which, NAMES) if p), None)


class Browser:
    """One page. It keeps what the page wrote to its console, what it asked of the network, and the bodies that it sent."""

    def __init__(self, width=1280, height=900):
        to_r, to_w = os.pipe()
        from_r, from_w = os.pipe()
        self.folder = tempfile.mkdtemp(prefix="roma-page-")
        command = [find(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                   "--user-data-dir=" + self.folder, "--remote-debugging-pipe", "about:blank"]
        log = open(os.path.join(self.folder, "log"), "wb")
        self.child = subprocess.Popen(["sh", "-c", 'exec 3<&%d 4>&%d "$@"' % (to_r, from_w), "sh"] + command, stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log, pass_fds=(to_r, from_w), start_new_session=True)
        os.close(to_r)
        os.close(from_w)
        self.out, self.into, self.rest, self.number = to_w, from_r, b"", 0
        self.session, self.said, self.asked, self.posted = None, [], [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")
        self.size(width, height)

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, RuntimeError):
            pass
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- messages ----

    def read(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.into], [], [], left)[0]: return None
            more = os.read(self.into, 1 << 20)
            if not more: raise RuntimeError("the browser ended")
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def note(self, m):
        p, method = m.get("params", {}), m.get("method")
        if method == "Runtime.consoleAPICalled": self.said.append(" ".join(str(a.get("value", a.get("description"))) for a in p["args"]))
        if method == "Runtime.exceptionThrown": self.said.append(p["exceptionDetails"].get("exception", {}).get("description", p["exceptionDetails"]["text"]))
        if method == "Log.entryAdded": self.said.append(p["entry"]["text"])
        if method == "Network.requestWillBeSent":
            self.asked.append(p["request"]["url"])
            if "postData" in p["request"]: self.posted.append(p["request"]["postData"])

    def call(self, method, **params):
        self.number += 1
        m = {"id": self.number, "method": method, "params": params}
        if self.session: m["sessionId"] = self.session
        os.write(self.out, json.dumps(m).encode() + b"\0")
        while True:
            m = self.read(60)
            if m is None: raise RuntimeError("the browser does not answer " + method)
            if m.get("id") != self.number:
                self.note(m)
                continue
            if "error" in m: raise RuntimeError("%s: %s" % (method, m["error"]["message"]))
            return m["result"]

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            m = self.read(left)
            if m: self.note(m)

    # ---- what a user does and sees ----

    def goto(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def value(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r: raise RuntimeError("%s: %s" % (expression, r["exceptionDetails"]["exception"].get("description")))
        return r["result"].get("value")

    def wait(self, expression, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            v = self.value(expression)
            if v: return v
            self.pause(0.05)
        raise RuntimeError("did not come true within %d s: %s" % (seconds, expression))

    def key(self, name, modifiers=0):
        text = {"Enter": "\r", " ": " "}.get(name, "")
        common = dict(key=name, code="Space" if name == " " else name, windowsVirtualKeyCode=KEYS[name], modifiers=modifiers)
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def size(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def prefers(self, **features):
        """scheme="dark", reduced_motion="reduce" """
        names = {"scheme": "prefers-color-scheme", "reduced_motion": "prefers-reduced-motion"}
        self.call("Emulation.setEmulatedMedia", features=[{"name": names[k], "value": v} for k, v in features.items()])

    def screenshot(self, path):
        png = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        with open(path, "wb") as f:
            f.write(png)
        return len(png)
