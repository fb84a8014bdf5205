#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libsubmitit-io.so shows and needs: exports nothing but what include/submitit declares, and needs no unexpected library.

    exports_test.py LIBRARY HEADERS      LIBRARY may be a static one: then there is nothing to see, and 77 is the exit status
"""
import pathlib
import re
import subprocess
import sys

NEEDED = re.compile(r"lib(uring|zstd|deflate|isal|z|xxhash|stdc\+\+|gcc_s|m|c)\.so\.\d+|ld-linux\S*")
MUST_EXPORT = {"submitit::engine::engine", "submitit::engine::~engine", "submitit::make_error_code",
               "submitit::memory_lease::shrink", "submitit::detail::export_state::read_some", "submitit::detail::reads_of_context::id",
               "submitit::detail::status_listening::open"}
# "typeinfo for submitit::engine", "submitit::detail::budget_queue::waiting() const"
SYMBOL = re.compile(r"(?:(?:typeinfo|typeinfo name|vtable) for )?(submitit(?:::~?\w+)+)(\(.*|\[abi:.*)?")


def defined(library):
    """The demangled names that `library` exports, without their version."""
    listed = subprocess.run(["nm", "-D", "-C", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        address_and_kind, name = line[:18], re.sub(r"@@?SUBMITIT_IO_\d+$", "", line[19:])
        if not address_and_kind.endswith(" A"):  # the version itself
            yield name


def words_of(headers):
    """Every identifier of the public headers, comments aside."""
    text = "\n".join(re.sub(r"//.*", "", path.read_text()) for path in pathlib.Path(headers).rglob("*.hpp"))
    return set(re.findall(r"\w+", text))


def findings(library, headers):
    words = words_of(headers)
    seen = set()
    for name in defined(library):
        match = SYMBOL.fullmatch(name)
        if not match:
            yield f"exported, but not in namespace submitit: {name}"
        elif not all(part.lstrip("~") in words for part in match[1].split("::")):
            yield f"exported, but not declared in a public header: {name}"
        else:
            seen.add(match[1])
    for name in sorted(MUST_EXPORT - seen):
        yield f"not exported: {name}"
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if not NEEDED.fullmatch(needed):
            yield f"unexpected dependency: {needed}"
    if "[libsubmitit-io.so.0]" not in dynamic:
        yield "its soname is not libsubmitit-io.so.0"


def main():
    library, headers = sys.argv[1:]
    if library.endswith(".a"):
        print("skipped: this build has no shared library (-Ddefault_library=shared or both makes one)")
        return 77
    found = list(findings(library, headers))
    print("\n".join(found) if found else f"{len(list(defined(library)))} symbols, all of them public")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
