#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills an export with SIGKILL at chosen system calls (strace --inject) and looks at what it leaves.

Moments: reading, writing and each step of publication, for a new target and for one that is replaced, each also with 4 MiB and more of
output written. Allowed: the target absent (new), old (replaced) or new and complete; beside it at most one complete
.NAME.submitit-XXXXXX when a replacement was cut between its two names, which the next export removes. Exit status 1 otherwise.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

MOMENTS = [("openat2", 1), ("openat2", 50), ("getdents64", 2), ("close", 40), ("pwrite64", 1), ("pwrite64", 2), ("pwrite64", 3),
           ("pwrite64", 6), ("sync_file_range", 1), ("fchmod", 1), ("fsync", 1), ("linkat", 1), ("renameat", 1), ("fsync", 2),
           ("exit_group", 1)]
OLD = b"what stood there before\n"


def content(path):
    with open(path, "rb") as file:
        return file.read()


def look(directory, replaced, new):
    """What stands there; the second value is what must not."""
    names = sorted(os.listdir(directory))
    state, wrong = "absent", []
    if "t.zip" in names:
        found = content(os.path.join(directory, "t.zip"))
        state = "old" if found == OLD else "new" if found == new else "BROKEN"
    if state == "BROKEN" or (replaced and state == "absent") or (not replaced and state == "old"):
        wrong.append("target " + state)
    beside = [name for name in names if name != "t.zip"]
    for name in beside:
        if not replaced or not re.fullmatch(r"\.t\.zip\.submitit-.{6}", name) or content(os.path.join(directory, name)) != new:
            wrong.append("left " + name)
    if len(beside) > 1:
        wrong.append(f"{len(beside)} names beside")
    return state + (" and a complete " + beside[0] if beside else ""), wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", help="of some 20 MB, so that several writes happen")
    parser.add_argument("--engine", required=True, help="the submitit-io program")
    parser.add_argument("--scratch", required=True)
    arguments = parser.parse_args()
    directory = os.path.join(arguments.scratch, "killed")
    target = os.path.join(directory, "t.zip")
    export = [arguments.engine, "export", arguments.tree, "-o", target, "-q"]
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    subprocess.run(export, check=True)
    new = content(target)
    bad = tried = struck = 0
    for replaced in (False, True):
        for call, when in MOMENTS:
            shutil.rmtree(directory)
            os.mkdir(directory)
            if replaced:
                with open(target, "wb") as file:
                    file.write(OLD)
            run = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
                                  "-e", f"inject={call}:signal=KILL:when={when}", *export], capture_output=True)
            killed = run.returncode in (-9, 137)
            state, wrong = look(directory, replaced, new)
            subprocess.run(export, check=True)
            after = sorted(os.listdir(directory))
            if after != ["t.zip"] or content(target) != new:
                wrong.append("the next export left " + " ".join(after))
            tried, struck, bad = tried + 1, struck + killed, bad + bool(wrong)
            print(f"{'replaced' if replaced else 'new':8} {call:16} {when:2} {'killed' if killed else 'ended '} {state:12} "
                  f"{'; '.join(wrong) or 'ok'}", flush=True)
    shutil.rmtree(directory)
    print(f"{tried} moments, {struck} killed, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
