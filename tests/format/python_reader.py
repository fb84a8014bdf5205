#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python's own readers, as the interoperability tests use them.

test ARCHIVE...       reads every byte of every archive
extract ARCHIVE DIR   unpacks one, with modes, times and links where the module keeps them
sizes ARCHIVE         NAME TAB SIZE of every entry, nothing decompressed
stream ARCHIVE        reads a tar from standard input, front to back (ARCHIVE tells the compression)
An archive other than *.zip is a tar.
"""
import os
import sys
import tarfile
import zipfile


def test(path):
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
            if bad is not None:
                raise ValueError(f"{path}: {bad!r} is damaged")
        return
    with tarfile.open(path) as archive:
        read_members(archive)


def read_members(archive):
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        while content is not None and content.read(1 << 20):
            pass


def extract_zip(path, directory):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(directory)
        for info in archive.infolist():  # the module leaves modes alone
            target = os.path.join(directory, info.filename)
            mode = info.external_attr >> 16
            if mode & 0o170000 != 0o120000:
                os.chmod(target, mode & 0o7777)


def extract(path, directory):
    if path.endswith(".zip"):
        return extract_zip(path, directory)
    with tarfile.open(path, errorlevel=1) as archive:
        archive.extractall(directory)


def sizes(path):
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            pairs = [(info.filename, info.file_size) for info in archive.infolist()]
    else:
        with tarfile.open(path) as archive:
            pairs = [(member.name, member.size) for member in archive]
    for name, size in pairs:
        sys.stdout.buffer.write(os.fsencode(name) + f"\t{size}\n".encode())


def stream(path):
    mode = "r|gz" if path.endswith(".gz") else "r|"
    with tarfile.open(fileobj=sys.stdin.buffer, mode=mode) as archive:
        read_members(archive)


def main(arguments):
    verb, paths = arguments[0], arguments[1:]
    if verb == "test":
        for path in paths:
            test(path)
    elif verb == "extract":
        extract(*paths)
    elif verb == "sizes":
        sizes(*paths)
    elif verb == "stream":
        stream(*paths)


main(sys.argv[1:])
