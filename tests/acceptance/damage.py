#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does `verify` find damage? Flips single bits in archives of TREE, and cuts a tar.zst at every frame's border.

Each damaged archive must make `verify --against TREE` exit 5, or a foreign reader (Python's tarfile, zipfile, zstd) must decode it to
the names, types, link targets and contents of the undamaged one. (A zip has no checksum over modes and times: where only those
differ, the count says so.) Prints counts; exit status 1 on a miss.
"""
import argparse
import hashlib
import io
import os
import random
import struct
import subprocess
import sys
import tarfile
import zipfile

FORMATS = ["zip", "tar", "tar.gz", "tar.zst"]
SEEK_TABLE_MAGIC, SKIPPABLE_MAGIC = 0x8F92EAB1, 0x184D2A5E


def decoded(path, format_name):
    """Digests of what a reader gets, (names, types, links and contents) and (modes and times); None when it refuses."""
    try:
        sums, attributes = hashlib.sha256(), hashlib.sha256()
        if format_name == "zip":
            with zipfile.ZipFile(path) as archive:
                for item in archive.infolist():
                    sums.update(item.filename.encode())
                    sums.update(archive.read(item))
                    attributes.update(repr((item.date_time, item.external_attr >> 16)).encode())
            return sums.hexdigest(), attributes.hexdigest()
        stream = open(path, "rb")
        if format_name == "tar.zst":
            run = subprocess.run(["zstd", "-dcq"], stdin=stream, capture_output=True)
            if run.returncode != 0:
                return None
            stream = io.BytesIO(run.stdout)
        with tarfile.open(fileobj=stream, mode="r|gz" if format_name == "tar.gz" else "r|") as archive:
            for item in archive:
                sums.update(repr((item.name, item.type, item.linkname)).encode())
                if item.isreg():
                    sums.update(archive.extractfile(item).read())
                attributes.update(repr((item.mode, item.mtime, item.uid, item.gid)).encode())
        return sums.hexdigest(), attributes.hexdigest()
    except Exception:  # whatever a reader says of a damaged archive: it did not take it
        return None


def frame_borders(archive):
    """Offsets at which a frame of the tar.zst ends, from its seek table (the last one, where the table begins, included)."""
    frames, descriptor, magic = struct.unpack("<IBI", archive[-9:])
    assert magic == SEEK_TABLE_MAGIC
    entry_bytes = 12 if descriptor & 0x80 else 8
    table = len(archive) - 9 - frames * entry_bytes
    assert struct.unpack("<I", archive[table - 8:table - 4])[0] == SKIPPABLE_MAGIC
    at, borders = 0, []
    for i in range(frames):
        at += struct.unpack_from("<I", archive, table + i * entry_bytes)[0]
        borders.append(at)
    assert at == table - 8
    return borders


class trial:
    def __init__(self, arguments, format_name, whole):
        self.arguments, self.format_name = arguments, format_name
        self.reference = None
        self.whole = whole
        self.found = self.equal = self.attributes = self.missed = 0

    def judge(self, path, label):
        run = subprocess.run([self.arguments.engine, "verify", "-q", path, "--against", self.arguments.tree],
                             capture_output=True, text=True)
        if run.returncode == 5:
            self.found += 1
            return
        if self.reference is None:
            self.reference = decoded(self.whole, self.format_name)
            assert self.reference is not None
        now = decoded(path, self.format_name) if run.returncode == 0 else None
        if now is not None and now[0] == self.reference[0]:
            self.equal += 1
            self.attributes += now != self.reference
            return
        self.missed += 1
        print(f"MISSED: {self.format_name} {label}: exit {run.returncode} {run.stderr[:200]}", flush=True)


def flip_bits(arguments, format_name, whole):
    flips = trial(arguments, format_name, whole)
    size = os.path.getsize(whole)
    damaged = os.path.join(arguments.scratch, "damaged." + format_name)
    subprocess.run(["cp", whole, damaged], check=True)
    with open(damaged, "r+b") as file:
        for _ in range(arguments.flips):
            at, bit = random.randrange(size), 1 << random.randrange(8)
            file.seek(at)
            good = file.read(1)
            file.seek(at)
            file.write(bytes([good[0] ^ bit]))
            file.flush()
            flips.judge(damaged, f"bit {bit:#x} of byte {at}")
            file.seek(at)
            file.write(good)
            file.flush()
    os.remove(damaged)
    print(f"{format_name:8} {size:12} bytes: {arguments.flips} flips: {flips.found} found, {flips.equal} with equal contents "
          f"(of those {flips.attributes} with another mode or time), {flips.missed} missed", flush=True)
    return flips.missed


def cut(arguments, whole):
    cuts = trial(arguments, "tar.zst", whole)
    with open(whole, "rb") as file:
        archive = file.read()
    borders = frame_borders(archive)
    damaged = os.path.join(arguments.scratch, "cut.tar.zst")
    with open(damaged, "wb") as file:
        file.write(archive)
    for border in reversed([0, *borders]):  # from the end on: each cut shortens the same file
        os.truncate(damaged, border)
        cuts.judge(damaged, f"cut at {border}")
    os.remove(damaged)
    print(f"tar.zst  cut at {len(borders) + 1} frame borders: {cuts.found} found, {cuts.equal} with equal contents, "
          f"{cuts.missed} missed", flush=True)
    return cuts.missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree")
    parser.add_argument("--engine", required=True, help="the submitit-io program")
    parser.add_argument("--scratch", required=True, help="directory for the archives")
    parser.add_argument("--flips", type=int, default=1000, help="for each format (default 1000)")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    print("seed", arguments.seed)
    missed = 0
    for format_name in arguments.formats:
        whole = os.path.join(arguments.scratch, "whole." + format_name)
        subprocess.run([arguments.engine, "export", arguments.tree, "-o", whole, "--force", "--no-sync", "-q"], check=True)
        missed += flip_bits(arguments, format_name, whole) if arguments.flips else 0
        missed += cut(arguments, whole) if format_name == "tar.zst" else 0
        os.remove(whole)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
