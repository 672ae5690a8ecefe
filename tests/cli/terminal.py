"""chat on a pseudo-terminal, for tests that type."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x07")


def environment(home, locale):
    env = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k not in ("LANG", "LANGUAGE", "XDG_STATE_HOME")}
    env.update(HOME=home, TERM="xterm", XDG_STATE_HOME=os.path.join(home, "state"))
    if locale is not None:
        env["LC_ALL"] = locale
    return env


class Terminal:
    """chat with arguments on a pseudo-terminal; turn() types bytes and returns what was written until the next prompt."""

    def __init__(self, program, image, home, locale, *args):
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(home)
            os.execve(program, [program, "chat", image, "-t", "1", *(args or ("-n", "12"))], environment(home, locale))
        self.pid, self.fd = pid, fd
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.greeting = self.until_prompt()

    def until_prompt(self, text=b"", seconds=20):
        seen, end = b"", time.time() + seconds
        while time.time() < end:
            ready = select.select([self.fd], [self.fd] if text else [], [], 0.02)
            if ready[1]:
                text = text[os.write(self.fd, text[:256]):]
            if ready[0]:
                try:
                    seen += os.read(self.fd, 65536)
                except OSError:
                    return seen
            elif not text and re.search(rb"(^|[\r\n])> $", ESCAPE.sub(b"", seen)):
                return ESCAPE.sub(b"", seen)
        raise SystemExit("no prompt within %d s, but %r" % (seconds, seen[-400:]))

    def turn(self, keys):
        return self.until_prompt(keys + b"\r")

    def prompt_tokens(self):
        return int(re.search(rb"prompt (\d+) tokens", self.turn(b"/stats")).group(1))

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def leave(self):
        os.write(self.fd, b"/quit\r")
        while True:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def history(home):
    """Texts in the history file, whose bytes libedit escapes as vis(3) does."""
    try:
        raw = open(os.path.join(home, "state", "roma", "history"), "rb").read()
    except OSError:
        return []
    octal = lambda line: re.sub(rb"\\(\d{3}|\\)", lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1], 8)]), line)
    return [octal(line) for line in raw.splitlines()[1:]]
