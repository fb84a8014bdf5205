#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do other programs get the tree back? Exports TREE to each format, extracts each archive with two foreign readers and compares.

Compared: names, types, contents, modes, mtimes (a zip's to the second, its links' not at all), link targets, hard links (tar).
Needs unzip, GNU tar, bsdtar, zstd. As root owners would be compared by nobody: they are not. Exit status 1 when anything differs.
"""
import argparse
import hashlib
import os
import shutil
import stat
import subprocess
import sys

READERS = {
    "zip": {"unzip": "unzip -q {archive} -d {into}", "bsdtar": "bsdtar -xpf {archive} -C {into}"},
    "tar": {"tar": "tar -xpf {archive} -C {into}", "bsdtar": "bsdtar -xpf {archive} -C {into}"},
    "tar.gz": {"tar": "tar -xpzf {archive} -C {into}", "bsdtar": "bsdtar -xpf {archive} -C {into}"},
    "tar.zst": {"tar": "tar --zstd -xpf {archive} -C {into}", "bsdtar": "bsdtar -xpf {archive} -C {into}"},
}
ALSO = {"zip": ["unzip -tqq {archive}", "7zz t -bso0 -bsp0 {archive}", "python3 -m zipfile -t {archive}"],
        "tar": ["7zz t -bso0 -bsp0 {archive}", "python3 -m tarfile -t {archive}"],
        "tar.gz": ["gzip -t {archive}", "python3 -m tarfile -t {archive}"],
        "tar.zst": ["zstd -tq {archive}"]}


def described(top, is_zip):
    """What the comparison sees of a tree, by relative name."""
    found, first_names = {}, {}
    for directory, directories, files in os.walk(top):
        directories.sort()
        links = [name for name in directories if os.path.islink(os.path.join(directory, name))]
        for name in ["."] + sorted(files + links):
            path = os.path.normpath(os.path.join(directory, name))
            status = os.lstat(path)
            kind = stat.S_IFMT(status.st_mode)
            mtime = status.st_mtime_ns // 10**9 if is_zip else status.st_mtime_ns
            entry = [kind, stat.S_IMODE(status.st_mode), mtime]
            if kind == stat.S_IFLNK:
                entry = [kind, os.readlink(path)] + ([] if is_zip else [mtime])
            elif kind == stat.S_IFREG:
                with open(path, "rb") as file:
                    entry.append(hashlib.file_digest(file, "sha256").hexdigest())
                if status.st_nlink > 1 and not is_zip:
                    entry.append(first_names.setdefault(status.st_ino, os.path.relpath(path, top)))
            found[os.path.relpath(path, top)] = entry
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree")
    parser.add_argument("--engine", required=True, help="the submitit-io program")
    parser.add_argument("--scratch", required=True, help="directory for one archive and its extracted tree")
    parser.add_argument("--formats", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--export-args", default="", help="more arguments for each export")
    arguments = parser.parse_args()
    base = os.path.basename(os.path.realpath(arguments.tree))
    bad = 0
    for format_name in arguments.formats:
        wanted = described(arguments.tree, format_name == "zip")
        archive = os.path.join(arguments.scratch, "readers." + format_name)
        subprocess.run([arguments.engine, "export", arguments.tree, "-o", archive, "--force", "--no-sync", "-q",
                        *arguments.export_args.split()], check=True)
        for command in ALSO[format_name]:
            run = subprocess.run(command.format(archive=archive).split(), capture_output=True)
            bad += run.returncode != 0
            print(f"{format_name:8} {command.split()[0]:8} tests it: {'ok' if run.returncode == 0 else 'REFUSED'}", flush=True)
        for reader, command in READERS[format_name].items():
            into = os.path.join(arguments.scratch, "extracted")
            shutil.rmtree(into, ignore_errors=True)
            os.mkdir(into)
            run = subprocess.run(command.format(archive=archive, into=into).split())
            got = described(os.path.join(into, base), format_name == "zip") if run.returncode == 0 else {}
            differ = [name for name in sorted(wanted.keys() | got.keys()) if wanted.get(name) != got.get(name)]
            bad += bool(differ) or run.returncode != 0
            print(f"{format_name:8} {reader:8} exit {run.returncode}, {len(got)} of {len(wanted)} names, {len(differ)} differ",
                  flush=True)
            for name in differ[:5]:
                print("   ", ascii(name), wanted.get(name), got.get(name))
            shutil.rmtree(into, ignore_errors=True)
        os.remove(archive)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
