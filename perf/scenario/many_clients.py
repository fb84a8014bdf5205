#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do hundreds of downloads, good clients and bad, fit one budget, and do the bad ones cost the good ones anything?

    many_clients.py NAME --server build/perf/examples/download_server --load build/perf/perf/scenario/many_clients_load

writes perf/results/NAME.md. It makes a tree of 64 MiB, checks one download of it member by member against the tree, and compares
every other download with that one, byte for byte, as it arrives. Expected: one export needs some 350 KiB, so 256 MiB hold some 700;
slow clients wait in their own exports, which nobody else waits for, so the others are as fast as without them.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import random
import re
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request
import zipfile

TREE_BYTES = 64 << 20
LARGE_BYTES = 24 << 20
SMALL_MAX = 200_000
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BESIDE_FIXED = 16 << 20       # code, stacks, allocator slack
BESIDE_CONNECTION = 40 << 10  # header and piece of a connection, its coroutines


def make_tree(top):
    """Two thousand words as text, noise, and half of each in two large files; the same on every machine."""
    source = random.Random(7)
    words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 9))) for _ in range(2000)]

    def text(count):
        return b" ".join(source.choices(words, k=count // 3 + 1))[:count]

    files, left = 0, TREE_BYTES
    while left > LARGE_BYTES:
        count = min(left - LARGE_BYTES, int(source.paretovariate(1.2) * 2000), SMALL_MAX)
        path = top / f"{files // 200:03}/{files}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text(count) if files % 3 else source.randbytes(count))
        files, left = files + 1, left - count
    for name, count in (("a", LARGE_BYTES * 2 // 3), ("b", LARGE_BYTES - LARGE_BYTES * 2 // 3)):
        (top / f"large-{name}").write_bytes(source.randbytes(count // 2) + text(count - count // 2))
    return files + 2


def check_reference(archive, tree):
    """Each member's CRC and bytes against its file; returns how many."""
    with zipfile.ZipFile(archive) as opened:
        members = [one for one in opened.infolist() if not one.is_dir()]
        for one in members:
            assert opened.read(one) == (tree.parent / one.filename).read_bytes(), one.filename
    assert len(members) == sum(path.is_file() for path in tree.rglob("*"))
    return len(members)


class Server:
    def __init__(self, options, root):
        self.options = ["--memory", options.memory, "--minimum-rate", "20K", "--level", str(options.level)]
        self.options += ["--store"] if options.store else []
        self.process = subprocess.Popen([options.server, "--listen", "127.0.0.1:0", *self.options, str(root)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(60) == 0

    def usage(self):
        self.process.send_signal(signal.SIGUSR1)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", self.process.stdout.readline())}

    def idle(self):
        """What is in use once every connection and export has ended, or a minute later."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            now = self.usage()
            if not (now["connections"] or now["committed"]):
                break
            time.sleep(0.05)
        return now

    def peak_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) << 10

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Scenario:
    def __init__(self, options, root, reference):
        self.options, self.root, self.reference = options, root, reference

    def load(self, server, **clients):
        arguments = [text for name, value in clients.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        done = subprocess.run([self.options.load, "--port", str(server.port), "--target", "/tree.zip", "--reference",
                               str(self.reference), *arguments], check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        wrong = {kind: one for kind, one in told.items() if kind != "seconds" and (one["differing"] or one["failed"])}
        assert not wrong, wrong
        return told

    def server(self):
        return Server(self.options, self.root)

    def fetch_reference(self):
        with self.server() as server, contextlib.closing(urllib.request.urlopen(
                f"http://127.0.0.1:{server.port}/tree.zip")) as answer:
            self.reference.write_bytes(answer.read())

    def capacity(self):
        with self.server() as server:
            served = self.load(server, stalling=1000)["stalling"]
            return served["left"], served["refused"], server.peak_bytes()

    def everyone(self):
        tenth = self.options.clients // 10
        with self.server() as server:
            self.load(server, fast=1)
            server.idle()
            before, cpu = server.descriptors(), server.cpu_seconds()
            told = self.load(server, fast=self.options.clients - 3 * tenth, slow=tenth, steady=tenth, quitting=tenth)
            cpu, used = server.cpu_seconds() - cpu, server.idle()
            return told, cpu, used, server.peak_bytes(), before, server.descriptors()

    def rates(self):
        """Bytes a second of the fast clients, (without, with) slow ones, a pair a round."""
        tenth, pairs = self.options.clients // 10, []
        fast = self.options.clients - 3 * tenth
        with self.server() as server:
            for number in range(self.options.rounds):
                pair = {}
                for slow in ((0, tenth), (tenth, 0))[number % 2]:
                    told = self.load(server, fast=fast, slow=slow, steady=slow, seconds=self.options.seconds)
                    pair[slow != 0] = told["fast"]["bytes"] / told["seconds"]
                    server.idle()
                pairs.append((pair[False], pair[True]))
        return pairs


def mib(count):
    return f"{count / (1 << 20):.1f} MiB"


def head(name, options, members, size):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    commit = subprocess.run(["git", "-C", TOP, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    kind = "stored" if options.store else f"level {options.level}"
    return f"""# {name}

- machine: {cpu}, {os.cpu_count()} cores, {memory:.0f} GiB; Linux {platform.release()}; clients on the same machine, over loopback
- tree: {members} files, {TREE_BYTES} bytes (text and noise; two files hold 24 MiB); as a zip, {kind}: {size} bytes
- commit {commit}, {datetime.date.today()}
- server: `download_server --memory {options.memory} --minimum-rate 20K{' --store' if options.store else f' --level {options.level}'}`
- command: `many_clients.py --clients {options.clients} --rounds {options.rounds} --seconds {options.seconds:g} {name}`
"""


def table_of(told):
    rows = ["| clients | number | complete and equal | left | cut off | cut after s | 503 | received |", "|---|---|---|---|---|---|---|---|"]
    words = {"fast": "as fast as they can", "slow": "10,000 bytes/s", "steady": "22,000 bytes/s", "quitting": "leave midway"}
    for kind, one in told.items():
        if kind == "seconds":
            continue
        cut = f"{one['cut_seconds'][0]:.0f}-{one['cut_seconds'][1]:.0f}" if one["cut"] else ""
        rows.append(f"| {words[kind]} | {one['started']} | {one['finished']} | {one['left']} | {one['cut']} | {cut} | {one['refused']} "
                    f"| {one['bytes'] / 1e6:.1f} MB |")
    return "\n".join(rows)


def everyone_text(told, cpu, used, peak, before, after, options):
    limit = used["limit"] + BESIDE_FIXED + options.clients * BESIDE_CONNECTION
    total = sum(one["bytes"] for kind, one in told.items() if kind != "seconds")
    steady = told["steady"]
    return f"""
## {options.clients} clients at once

{table_of(told)}

{told['seconds']:.0f} s until the last of the fast ones; {total / told['seconds'] / 1e6:.0f} MB/s in all; {cpu:.0f} s of CPU in the server. \
Every byte received, also by those who left or were cut, was compared with the reference, whose members were compared with the tree. \
{steady['started'] - steady['cut']} of {steady['started']} clients just above the minimum rate were still served at the end.

| | |
|---|---|
| peak resident memory of the server | {mib(peak)} |
| bound: budget + 16 MiB + {options.clients} x 40 KiB | {mib(limit)}: {'held' if peak <= limit else 'EXCEEDED'} |
| most of the budget in use at once | {mib(used['high_water'])} of {mib(used['limit'])} |
| budget in use afterwards | {used['used']} bytes, committed {used['committed']} |
| descriptors before and after | {before}, {after} |
"""


def rates_text(pairs, options):
    ratio = statistics.median(slow / without for without, slow in pairs)
    rows = "\n".join(f"| {n + 1} | {a / 1e6:.1f} | {b / 1e6:.1f} | {b / a:.3f} |" for n, (a, b) in enumerate(pairs))
    tenth = options.clients // 10
    return f"""
## What slow clients cost the others

{options.clients - 3 * tenth} fast clients for {options.seconds:g} s, alone and beside {tenth} that read 10,000 bytes/s and {tenth} that read 22,000; in turns, \
the first of a pair changing. MB/s of the fast ones together:

| round | alone | beside slow ones | ratio |
|---|---|---|---|
{rows}

Median ratio {ratio:.3f} (wanted: at least 0.9).
"""


def capacity_text(served, refused, peak, options):
    return f"""
## How many fit

Of 1000 clients that took the first bytes and then nothing, {served} were served and {refused} told to come later (503); \
the server then had a peak of {mib(peak)} resident, of a budget of {options.memory}.
"""


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("name")
    options.add_argument("--server", required=True)
    options.add_argument("--load", required=True)
    options.add_argument("--memory", default="256M")
    options.add_argument("--clients", type=int, default=500)
    options.add_argument("--level", type=int, default=1)
    options.add_argument("--store", action="store_true")
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--seconds", type=float, default=15)
    options.add_argument("--scratch", default=None)
    options = options.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        root = pathlib.Path(scratch) / "root"
        make_tree(root / "tree")
        scenario = Scenario(options, root, pathlib.Path(scratch) / "reference.zip")
        scenario.fetch_reference()
        members = check_reference(scenario.reference, root / "tree")
        text = head(options.name, options, members, scenario.reference.stat().st_size)
        text += everyone_text(*scenario.everyone(), options)
        text += rates_text(scenario.rates(), options)
        text += capacity_text(*scenario.capacity(), options)
    (TOP / f"perf/results/{options.name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
