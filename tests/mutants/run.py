#!/usr/bin/env python3
"""usage: run.py [--seed N] [--count N] [--rooms ROOM,ROOM] [--only KEY,KEY] [--list]      (make mutants: builds what this needs, then runs it)

Draws small faults over the lines of six rooms, or of others (draw.py); for each builds and runs the test programs of its room, of the rooms that include it,
and its room's again under AddressSanitizer and UndefinedBehaviorSanitizer, until one fails: the fault is killed. A fault that does not compile
cleanly, that gives the same machine code, or that known.txt lists as equivalent is no fault, and the next of the draw takes its place. Two
workers, each with sources of its own. What is done is kept in build/mutants/SEED.log while sources and tests stay as they are, so that
a run can be resumed.
"""
import argparse
import json
import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from draw import digest, draw, faults_of  # noqa: E402

ROOMS = ('num', 'exec', 'cost', 'image', 'plan', 'text')
# Second computations in Python that speak to a program of a room: they count among the test programs of that room.
SCRIPTS = {'tests/constrain/constrain_lines': [('tests/constrain/check_masks.py', '60'), ('tests/constrain/check_schemas.py',)],
           'tests/calls/call_lines': [('tests/calls/test_forms.py', '4')]}
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ALL_ROOMS = sorted(os.listdir(os.path.join(ROOT, 'src')))  # those that --rooms may name
WORK = os.path.join(ROOT, 'build', 'mutants')
PLAIN, CHECKED = 'build/mutants/plain', 'build/mutants/san'  # as make has built them; each copy of the tree has its own
MAKE = {PLAIN: ['BUILD=' + PLAIN, 'CC=gcc', 'OPT=-O2 -g0'],
        CHECKED: ['BUILD=' + CHECKED, 'CC=clang', 'OPT=-O1 -g', 'SAN=-fsanitize=address,undefined -fno-sanitize-recover=all -w', 'MUTANTS=1']}
PATIENCE = 3  # a test may take so many times as long as without a fault, and ten seconds
ENVIRONMENT = dict(os.environ, CCACHE_DISABLE='1', ROMA_VECTORS='1000', ASAN_OPTIONS='hard_rss_limit_mb=4000:detect_leaks=1', MAKEFLAGS='', MAKELEVEL='')


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def python():
    """One that has what the scripts import: else Debian's."""
    return sys.executable if subprocess.run([sys.executable, '-c', 'import jinja2, jsonschema'], stderr=subprocess.DEVNULL).returncode == 0 else '/usr/bin/python3'


def sources(rooms):
    out = {}
    for room in rooms:
        for name in sorted(os.listdir(os.path.join(ROOT, 'src', room))):
            text = read(os.path.join(ROOT, 'src', room, name)) if name.endswith(('.c', '.h')) else ''
            if text and 'Made by gen_unicode' not in text[:200]:
                out[f'src/{room}/{name}'] = text
    return out


def fingerprint():
    """Of all that decides what a fault does."""
    text = []
    for top in ('src', 'include', 'tests', 'chips', 'Makefile', 'layers.txt'):
        path = os.path.join(ROOT, top)
        for folder, _, names in sorted(os.walk(path)) if os.path.isdir(path) else [(ROOT, [], [top])]:
            text += [n + read(os.path.join(folder, n)) for n in sorted(names)
                     if n.endswith(('.c', '.h', '.chip', '.csv', '.txt', 'Makefile')) and not folder.endswith('mutants')]
    return digest('\0'.join(text))[:16]


def known():
    """{key: kind} of known.txt: lines `equivalent KEY ...` and `survivor KEY ...`."""
    out = {}
    for line in read(os.path.join(HERE, 'known.txt')).splitlines():
        if line.startswith(('equivalent ', 'survivor ')):
            kind, key = line.split()[:2]
            out[key] = kind
    return out


def users_of():
    """{room: rooms that include it}."""
    out = {}
    for line in read(os.path.join(ROOT, 'layers.txt')).splitlines():
        if ':' in line and not line.startswith('#'):
            room, below = line.split(':')
            for b in below.split():
                out.setdefault(b, []).append(room)
    return out


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 30, 2 << 30))


def run(command, folder, timeout):
    """Exit code, or None when time was up."""
    p = subprocess.Popen(command, cwd=folder, env=dict(ENVIRONMENT, TMPDIR=os.path.join(folder, 'tmp')), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=limits)
    try:
        return p.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        return None


class Build:
    """What make has built in a folder, and the commands with which make would build it again."""

    def __init__(self, folder):
        self.folder, self.compile, self.link, self.inputs = folder, {}, {}, {}
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            for n in names:
                if n.endswith('.d'):
                    o = os.path.relpath(os.path.join(where, n[:-2] + '.o'), os.path.join(ROOT, folder))
                    self.inputs[o] = set(read(os.path.join(where, n)).split())
        self.tests = [t for t in sorted(o[:-2] for o in self.inputs if '/test_' in o or o[:-2] in SCRIPTS) if 'emulated' not in t]
        wanted = [f'{folder}/{o}' for o in self.inputs if o.startswith('src/') or o[:-2] in self.tests]
        shown_by_make = subprocess.run(['make', '-nB', *MAKE[folder], *wanted, *[f'{folder}/{t}' for t in self.tests]], cwd=ROOT, text=True,
                                       env=ENVIRONMENT, capture_output=True, check=True).stdout
        for line in shown_by_make.splitlines():
            words = line.split()
            if ' -o ' not in line or words[0] == 'ar':
                continue
            target = os.path.relpath(words[words.index('-o') + 1], folder)
            (self.compile if '-c' in words else self.link)[target] = words

    def objects_of(self, source):
        """Objects that a source or header goes into, of rooms and of test programs."""
        return [o for o in self.compile if source in self.inputs[o]]


class Tree:
    """A copy of the sources in which one fault at a time is planted; what is built of it goes to a folder of its own."""

    def __init__(self, number, builds):
        self.path, self.builds, self.text = os.path.join(WORK, f'tree{number}'), builds, ''
        shutil.rmtree(self.path, ignore_errors=True)
        os.makedirs(self.at('tmp'))
        for name in os.listdir(ROOT):
            if name in ('src', 'include', 'tests', 'chips'):
                shutil.copytree(os.path.join(ROOT, name), self.at(name))
            elif name != '.git':
                os.symlink(os.path.join(ROOT, name), self.at(name))

    def at(self, name):
        return os.path.join(self.path, name)

    def made(self, build, name):
        return self.at(f'out/{os.path.basename(build.folder)}/{name}')

    def compile(self, build, objects):
        for o in objects:
            words = list(build.compile[o])
            words[words.index('-o') + 1] = self.made(build, o)
            os.makedirs(os.path.dirname(self.made(build, o)), exist_ok=True)
            if run(words, self.path, 300) != 0:
                return False
        return True

    def test(self, build, test, objects, timeout):
        """Exit code of a test program linked with the objects made here before the library, whose own they hide; None: time was up."""
        words, program = [], self.made(build, test)
        os.makedirs(os.path.dirname(program), exist_ok=True)
        for w in build.link[test]:
            if w == f'{build.folder}/libroma.a':
                words += [self.made(build, o) for o in objects if o.startswith('src/')]
            words.append(self.made(build, f'{test}.o') if w == f'{build.folder}/{test}.o' and f'{test}.o' in objects else w)
        words[words.index('-o') + 1] = program
        if run(words, self.path, 300) != 0:
            return 'link'
        code = 0
        for command in [[program]] if test not in SCRIPTS else [[python(), script[0], program, *script[1:]] for script in SCRIPTS[test]]:
            if code == 0:
                code = run(command, self.path, timeout)
        os.remove(program)
        return code

    def plant(self, fault):
        self.text = read(self.at(fault.file))
        with open(self.at(fault.file), 'w', encoding='utf-8') as f:
            f.write(self.text[:fault.start] + fault.new + self.text[fault.end:])

    def remove(self, fault):
        with open(self.at(fault.file), 'w', encoding='utf-8') as f:
            f.write(self.text)
        shutil.rmtree(self.at('out'), ignore_errors=True)
        shutil.rmtree(self.at('tmp'))
        os.makedirs(self.at('tmp'))


def same_code(tree, build, objects):
    for o in objects:
        with open(tree.made(build, o), 'rb') as a, open(os.path.join(ROOT, build.folder, o), 'rb') as b:
            if a.read() != b.read():
                return False
    return True


def tests_in_order(room, times):
    """(build, test): own room, plain and under the sanitizers, then the rooms that include it; of each the quick ones first."""
    own = sorted((key for key in times if key[1].split('/')[1] == room), key=times.get)
    users = sorted((key for key in times if key[1].split('/')[1] in users_of().get(room, []) and key[0] == PLAIN), key=times.get)
    return own + users


def attempt(tree, fault, times):
    """('killed', test) or ('survived', '') or ('no fault', why)."""
    tree.plant(fault)
    try:
        made = {}
        for folder, test in [(PLAIN, '')] + tests_in_order(fault.file.split('/')[1], times):
            build = tree.builds[folder]
            if folder not in made:
                made[folder] = build.objects_of(fault.file)
                if not tree.compile(build, made[folder]):
                    return ('no fault', 'does not compile') if folder == PLAIN else ('killed', 'clang')
                if folder == PLAIN and same_code(tree, build, made[folder]):
                    return 'no fault', 'same machine code'
            if not test:
                continue
            code = tree.test(build, test, made[folder], PATIENCE * times[folder, test] + 10)
            if code != 0:
                return 'killed', test + {PLAIN: '', CHECKED: ' (sanitizers)'}[folder] + (' (time)' if code is None else '')
        return 'survived', ''
    finally:
        tree.remove(fault)


def measure(trees, rooms):
    """Seconds of every test program that a fault may run, without a fault; all must pass."""
    path, mark = os.path.join(WORK, 'times.json'), fingerprint() + ' '.join(trees[0].builds) + ' '.join(rooms)
    if os.path.exists(path):
        kept = json.loads(read(path))
        if kept['mark'] == mark:
            return {tuple(k.split()): v for k, v in kept['times'].items()}
    wanted = set().union(*([t for t in tests_in_order(r, {(b.folder, t): 0 for b in trees[0].builds.values() for t in b.tests})] for r in rooms))
    waiting, times, bad = queue.Queue(), {}, []
    for t in sorted(wanted):
        waiting.put(t)

    def work(tree):
        while True:
            try:
                folder, t = waiting.get_nowait()
            except queue.Empty:
                return
            start = time.monotonic()
            if tree.test(tree.builds[folder], t, [], 600) != 0:
                bad.append(f'{folder}/{t}')
            times[folder, t] = round(time.monotonic() - start, 2)

    both(work, trees)
    if bad:
        sys.exit('mutants: these fail without a fault: ' + ' '.join(bad))
    with open(path, 'w', encoding='utf-8') as f:
        json.dump({'mark': mark, 'times': {' '.join(k): v for k, v in times.items()}}, f)
    print(f'{len(times)} test programs take {sum(times.values()):.0f} s without a fault', flush=True)
    return times


def both(work, trees):
    threads = [threading.Thread(target=work, args=(t,)) for t in trees]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


class Log:
    """Results by key, one JSON line each; the first line names the state of the tree that they hold for."""

    def __init__(self, path, how, trust):
        self.done, self.lock = {}, threading.Lock()
        mark = fingerprint() + ' ' + how
        lines = read(path).splitlines() if os.path.exists(path) else []
        if lines and json.loads(lines[0]) != mark:
            lines = [line for line in lines if trust and '"survived"' not in line]
        for line in lines[1:]:
            key, result, why = json.loads(line)
            self.done[key] = (result, why)
        self.file = open(path, 'w', encoding='utf-8')
        self.write(mark)
        for key, (result, why) in self.done.items():
            self.write([key, result, why])

    def write(self, value):
        self.file.write(json.dumps(value) + '\n')
        self.file.flush()

    def add(self, key, result, why):
        self.done[key] = (result, why)
        self.write([key, result, why])


def shown(f):
    short = [' '.join(t.split()) for t in (f.old, f.new)]
    short = [t if len(t) < 70 else t[:67] + '...' for t in short]
    return f'{f.key} {f.file}:{f.line} {f.operator}: `{short[0]}` -> `{short[1]}`'


def hunt(order, count, log, trees, times, excluded):
    """Tries faults in order until `count` of them are killed or survive; the order of the draw decides which, not the workers' speed."""
    at, settled = [0], []
    start = time.monotonic()

    def next_fault():
        with log.lock:
            valid = sum(1 for f in order[:at[0]] if log.done.get(f.key, ('pending',))[0] != 'no fault' and f.key not in excluded)
            if at[0] >= len(order) or valid >= count:
                return None
            at[0] += 1
            return order[at[0] - 1]

    def work(tree):
        while True:
            f = next_fault()
            if f is None:
                # A fault that another worker still tries may turn out to be none.
                if any(g.key not in log.done and g.key not in excluded for g in order[:at[0]]) and len(trees) > 1:
                    time.sleep(0.2)
                    continue
                return
            if f.key in excluded:
                continue
            if f.key not in log.done:
                result, why = attempt(tree, f, times)
                with log.lock:
                    log.add(f.key, result, why)
            with log.lock:
                result, why = log.done[f.key]
                if result == 'no fault':
                    continue
                settled.append(f)
                lost = sum(log.done[g.key][0] == 'survived' for g in settled)
                print(f'{len(settled):4} of {count}  {result:8} {why:32} {time.monotonic() - start:5.0f} s, {lost} survived  {shown(f)}',
                      flush=True)

    both(work, trees)
    return [f for f in order[:at[0]] if f.key in log.done and log.done[f.key][0] != 'no fault' and f.key not in excluded]


def table(title, faults, log, of):
    print(f'\n{title:12} killed survived')
    total, lost = Counter(map(of, faults)), Counter(of(f) for f in faults if log.done[f.key][0] == 'survived')
    for name in sorted(total):
        print(f'{name:12} {total[name] - lost[name]:6} {lost[name]:8}')


def report(faults, tried, log, listed, seconds):
    table('room', faults, log, lambda f: f.file.split('/')[1])
    table('operator', faults, log, lambda f: f.operator)
    why = Counter(log.done[f.key][1] for f in tried if log.done.get(f.key, ('',))[0] == 'no fault')
    equivalent = sum(listed.get(f.key) == 'equivalent' for f in tried)
    survivors = [f for f in faults if log.done[f.key][0] == 'survived']
    print(f'\nredrawn: {why["does not compile"]} that do not compile, {why["same machine code"]} with the same machine code, '
          f'{equivalent} that known.txt lists as equivalent')
    for f in survivors:
        print(f'survived: {shown(f)}' + ('  (listed)' if f.key in listed else '  (not in known.txt)'))
    print(f'{len(faults) - len(survivors)} of {len(faults)} killed, {100 * (1 - len(survivors) / max(1, len(faults))):.1f} %, in {seconds:.0f} s')


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--seed', default='1')
    p.add_argument('--count', type=int, default=120)
    p.add_argument('--rooms', default=','.join(ROOMS), help='draw over these rooms')
    p.add_argument('--only', help='these keys alone, without a log')
    p.add_argument('--list', action='store_true', help='print the draw and stop')
    p.add_argument('--plain', action='store_true', help='without the sanitizers, which kill some more')
    p.add_argument('--longest', type=float, default=1e9, help='only test programs that take no more seconds: a first look')
    p.add_argument('--workers', type=int, default=2)
    p.add_argument('--trust-killed', action='store_true', help='keep what was killed before sources or tests changed')
    a = p.parse_args()
    all_sources, listed, rooms = sources(ALL_ROOMS), known(), a.rooms.split(',')
    order = draw({name: text for name, text in all_sources.items() if name.split('/')[1] in rooms}, a.seed)
    every = {f.key: f for name, text in all_sources.items() for _, f in faults_of(name, text)}
    for key in listed:
        if key not in every:
            print(f'known.txt: {key} is of a line that is no more')
    if a.only:
        order = [every[key] for key in a.only.split(',')]
    if a.list:
        print('\n'.join(shown(f) for f in order[:a.count]))
        return 0
    os.makedirs(WORK, exist_ok=True)
    builds = {folder: Build(folder) for folder in MAKE if folder == PLAIN or not a.plain}
    trees = [Tree(i, builds) for i in range(a.workers)]
    start = time.monotonic()
    times = measure(trees, rooms)
    log_path = os.path.join(WORK, 'only.log' if a.only else f'{a.seed}.log' if rooms == list(ROOMS) else f'{a.seed}-{a.rooms}.log')
    if a.only and os.path.exists(log_path):
        os.remove(log_path)
    times = {key: seconds for key, seconds in times.items() if seconds <= a.longest}
    log = Log(log_path, f'{a.longest:g} {a.plain}', a.trust_killed)
    excluded = set() if a.only else {k for k, kind in listed.items() if kind == 'equivalent'}
    faults = hunt(order, len(order) if a.only else a.count, log, trees, times, excluded)
    last = order.index(faults[-1]) + 1 if faults else 0
    report(faults, order[:last], log, listed, time.monotonic() - start)
    return 0 if sum(log.done[f.key][0] == 'survived' for f in faults) * 20 <= len(faults) else 1


if __name__ == '__main__':
    sys.exit(main())
