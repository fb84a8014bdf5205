#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One tree, one set of bytes: exports TREE with every --jobs, --io and --memory and compares the archives.

For each format and level the outputs' SHA-256 must be equal, the backend the one asked for, and the memory's high-water mark not
above --memory, as --json says. The runs with --io uring and --io threads find an empty page cache (when run as root), so that the
backend reads. Prints a table; exit status 1 when anything differs.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys

VARIANTS = [
    ["-j", "1"], ["-j", "2"], ["-j", "8"], ["--io", "uring"], ["--io", "threads"], ["-m", "32MiB"], ["-m", "512MiB"],
]
LEVELS = {"zip": [1, 3, 9], "tar.gz": [1, 3, 9], "tar.zst": [1, 3, 9], "tar": [None]}


def digest(path):
    with open(path, "rb") as archive:
        return hashlib.file_digest(archive, "sha256").hexdigest()


def empty_page_cache():
    if os.geteuid() == 0:
        os.sync()
        with open("/proc/sys/vm/drop_caches", "w") as control:
            control.write("3")


def export(engine, tree, output, level, variant):
    if "--io" in variant:
        empty_page_cache()
    command = [engine, "export", tree, "-o", output, "--force", "--no-sync", "--json", "--progress", "none", *variant]
    if level is not None:
        command += ["-l", str(level)]
    run = subprocess.run(command, capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout) if run.stdout else {}, run.stderr


def judge(variant, status, report):
    """What --json must say of this run; an empty list when it does."""
    if status != 0:
        return [f"exit {status}"]
    wrong = []
    memory, io = report["memory"], report["io"]
    if memory["high_water_bytes"] > memory["limit_bytes"]:
        wrong.append("high water above the limit")
    if variant[0] == "-m" and memory["limit_bytes"] != int(variant[1][:-3]) << 20:
        wrong.append("another limit than asked for")
    if variant[0] == "--io":
        if io["backend"] != variant[1]:
            wrong.append("backend " + io["backend"])
        if os.geteuid() == 0 and io["backend_reads"] == 0:
            wrong.append("the backend read nothing")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree")
    parser.add_argument("--engine", required=True, help="the submitit-io program")
    parser.add_argument("--scratch", required=True, help="directory for one archive at a time")
    parser.add_argument("--formats", nargs="+", choices=LEVELS, default=list(LEVELS))
    arguments = parser.parse_args()
    bad = runs = 0
    for format_name in arguments.formats:
        output = os.path.join(arguments.scratch, "equal." + format_name)
        for level in LEVELS[format_name]:
            first = None
            for variant in VARIANTS:
                status, report, messages = export(arguments.engine, arguments.tree, output, level, variant)
                wrong = judge(variant, status, report)
                found = digest(output) if status == 0 else "-"
                first = first or found
                if found != first:
                    wrong.append("other bytes")
                runs += 1
                bad += bool(wrong)
                memory = report.get("memory", {})
                print(f"{format_name:8} {'' if level is None else level:2} {' '.join(variant):13} {found[:16]} "
                      f"{report.get('io', {}).get('backend', '-'):8} reads {report.get('io', {}).get('backend_reads', 0):6} "
                      f"workers {report.get('workers', 0)} high water {memory.get('high_water_bytes', 0) / 2**20:6.1f} of "
                      f"{memory.get('limit_bytes', 0) / 2**20:6.1f} MiB  {'; '.join(wrong) or 'ok'}", flush=True)
                if status != 0:
                    print(messages, end="")
            if os.path.exists(output):
                os.remove(output)
    print(f"{runs} exports, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
