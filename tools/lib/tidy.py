# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every source file below src/ that BUILD_DIRECTORY compiles:  tidy.py BUILD_DIRECTORY

A file whose preprocessed text, with comments, passed before under the same .clang-tidy is skipped (build/tidy keeps the marks).
Files that include Beast are left out: minutes each, nearly all of it spent in Beast.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]).resolve()
MARKS = TOP / 'build/tidy'


def source_of(entry):
    return pathlib.Path(os.path.normpath(os.path.join(entry['directory'], entry['file'])))


def preprocessed(entry):
    """The bytes that decide the verdict, or None when the file does not even preprocess (clang-tidy will say why)."""
    words = shlex.split(entry['command'])
    keep = [word for word in words[1:] if word.startswith(('-I', '-D', '-f', '-std=', '-isystem', '-O', '-pthread'))]
    done = subprocess.run(['clang++-19', '-E', '-C', '-P', *keep, entry['file']], cwd=entry['directory'], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def check(entry):
    """The findings of one file as text; empty when it is clean."""
    text = preprocessed(entry)
    mark = None
    # The analyzer cannot follow a coroutine frame: it calls Asio's own promise pointer uninitialised.
    extra = ['--checks=-clang-analyzer-core.*'] if 'co_await' in source_of(entry).read_text(encoding='utf-8') else []
    if text is not None:
        mark = MARKS / hashlib.sha256((TOP / '.clang-tidy').read_bytes() + repr(extra).encode() + text).hexdigest()
        if mark.exists():
            return ''
    done = subprocess.run(['clang-tidy-19', '--quiet', *extra, '-p', BUILD, entry['file']], cwd=entry['directory'],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return done.stdout + '\n'.join(line for line in done.stderr.splitlines() if 'generated.' not in line)
    if mark is not None:
        mark.touch()
    return ''


def wanted(entry):
    path = source_of(entry)
    return path.is_relative_to(TOP / 'src') and '#include <boost/beast' not in path.read_text(encoding='utf-8')


def main():
    MARKS.mkdir(parents=True, exist_ok=True)
    entries = {entry['file']: entry for entry in json.loads((BUILD / 'compile_commands.json').read_text())}
    entries = [entry for entry in entries.values() if wanted(entry)]
    if not entries:
        sys.exit('nothing to check: no source file below src/ in compile_commands.json')
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for findings in pool.map(check, entries):
            if findings:
                failed += 1
                print(findings)
    print(f'{len(entries)} files, {failed} with findings')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
