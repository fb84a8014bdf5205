#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the library into an empty directory and builds hosts that know nothing but that: with CMake and with pkg-config, with each
compiler there is, against each kind of library there is; and runs them. What README.md shows as C++ has to compile.

Meson's test calls it. It says what it left out and why; 77 when that is everything.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
COMPILERS = ["g++", "clang++-19"]
KINDS = {"shared": ["shared"], "static": ["static"], "both": ["shared", "static"]}
# Hidden, because then a host's copy of a type or a function is not the library's; CMake's hosts are built the usual way.
HOST_FLAGS = ["-std=c++20", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
LIBRARY = "libsubmitit-io.so.0"


def run(command, **more):
    """Its standard output; ends the test when the command fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nfailed ({done.returncode}): {' '.join(str(word) for word in command)}")
    return done.stdout


class installed:
    """The library as a host finds it."""

    def __init__(self, options, stage):
        self.root = stage / options.prefix.lstrip("/")
        self.libdir = self.root / options.libdir
        self.environment = dict(os.environ, PKG_CONFIG_PATH=str(self.libdir / "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=str(stage))
        run(["meson", "install", "-C", options.build, "--no-rebuild", "--quiet", "--destdir", stage])
        self.check_headers()

    def check_headers(self):
        for header in (self.root / "include/submitit").rglob("*"):
            if header.is_file() and re.search(r"#\s*include\s*[<\"](?!(boost|submitit)/|\w+>)", header.read_text()):
                sys.exit(f"{header} includes something else than Boost, submitit and the standard library")

    def flags(self, *what):
        return run(["pkg-config", *what, "submitit-io"], env=self.environment).split()

    def without_shared(self):
        """Where both are, a linker takes the shared one."""
        for name in self.libdir.glob("libsubmitit-io.so*"):
            name.unlink()


def try_program(program, kind, label, environment=None):
    needed = LIBRARY in run(["readelf", "-d", program])
    if needed != (kind == "shared"):
        sys.exit(f"{program} was to be linked with the {kind} library")
    run([program], env=environment)
    print(f"{label}, {kind}: ok", flush=True)


def with_cmake(there, compiler, kinds, work):
    build = work / f"cmake-{compiler}"
    environment = {name: value for name, value in os.environ.items() if name not in ("CXXFLAGS", "LDFLAGS")}
    run(["cmake", "-S", HERE, "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={there.root}"],
        env=environment)
    run(["cmake", "--build", build], env=environment)
    for kind in kinds:
        try_program(build / kind, kind, f"CMake, {compiler}")


def with_pkg_config(there, compiler, work):
    """A function that links one kind and runs it; compiled only once."""
    compiled = work / f"{compiler}.o"
    run([compiler, *HOST_FLAGS, *there.flags("--cflags"), "-c", HERE / "main.cpp", "-o", compiled])

    def link(kind):
        program = work / f"{compiler}-{kind}"
        run([compiler, compiled, "-o", program, *there.flags("--libs", *(["--static"] if kind == "static" else []))])
        try_program(program, kind, f"pkg-config, {compiler}", dict(os.environ, LD_LIBRARY_PATH=str(there.libdir)))
    return link


def read_me_compiles(there, compiler, work):
    text = (there.root / "share/doc/submitit-io/README.md").read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"^```cpp\n(.*?)^```$", text, re.M | re.S)):
        source = work / f"readme-{number}.cpp"
        source.write_text(block)
        run([compiler, "-fsyntax-only", *HOST_FLAGS, *there.flags("--cflags"), source])
        print(f"README.md, C++ block {number + 1}, {compiler}: ok", flush=True)


def missing(tools):
    """Those of them that are not installed; says so."""
    absent = [tool for tool in tools if shutil.which(tool) is None]
    for tool in absent:
        print(f"skipped: {tool} is not installed", flush=True)
    return absent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("build", "work", "prefix", "libdir", "kind", "sanitize"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    if options.sanitize != "none":
        print("skipped: a library built with sanitizers needs a host that is built with them, too")
        return 77
    absent = missing(["meson", "cmake", "pkg-config", *COMPILERS])
    compilers = [name for name in COMPILERS if name not in absent]
    if "meson" in absent or not compilers or {"cmake", "pkg-config"} <= set(absent):
        return 77

    work = pathlib.Path(options.work).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    there = installed(options, work / "stage")
    kinds = KINDS[options.kind]
    print(f"installed kinds of library: {', '.join(kinds)}", flush=True)
    if "cmake" not in absent:
        for compiler in compilers:
            with_cmake(there, compiler, kinds, work)
    if "pkg-config" not in absent:
        read_me_compiles(there, compilers[0], work)
        links = [with_pkg_config(there, compiler, work) for compiler in compilers]
        for kind in kinds:
            if kind == "static":
                there.without_shared()
            for link in links:
                link(kind)
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
