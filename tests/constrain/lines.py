"""The program constrain_lines, spoken to."""
import subprocess


def hexed(text):
    data = text if isinstance(text, bytes) else text.encode()
    return data.hex() or "-"


class Lines:
    def __init__(self, program):
        self.p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        answer = self.p.stdout.readline().rstrip("\n")
        if not answer:
            raise SystemExit(f"constrain_lines ended at: {line[:300]}")
        return answer

    def grammar(self, text):
        return self.ask("G " + hexed(text))

    def schema(self, text):
        return self.ask("J " + hexed(text))

    def mask(self):
        answer = self.ask("M").split()
        return set(map(int, answer[1:])) if answer[0] == "ok" else " ".join(answer)

    def sample(self, seed, most, more):
        """(how it ended, text, ids)"""
        ok, why, text, *ids = self.ask(f"S {seed} {most} {more}").split()
        assert ok == "ok", (ok, why, text)
        return why, bytes.fromhex(text) if text != "-" else b"", [int(i) for i in ids]
