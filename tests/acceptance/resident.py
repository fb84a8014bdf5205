#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peak resident memory of exports, by format, against the bound: --memory and 16 MiB.

Each SOURCE is exported to every format; with --slow-pipe FILE that file goes to a reader that starts late and takes 20 MB/s, and is cut
off after --seconds. Peak: ru_maxrss of wait4(2), which can show this script's own 12 MiB for a smaller child. Exit status 1 when one is above.
"""
import argparse
import os
import signal
import subprocess
import sys

FORMATS = ["zip", "tar", "tar.gz", "tar.zst"]


def peak_of(command, stdout=None, seconds=None):
    """Peak RSS in MiB, and the exit status."""
    child = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL)
    if seconds is not None:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(child.pid, 0) if child.returncode is None else (0, child.returncode, None)
    if usage is None:
        raise SystemExit("the export ended before it could be cut off: a larger --slow-pipe FILE is needed")
    child.returncode = status
    return usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--engine", required=True, help="the submitit-io program")
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--memory", type=int, help="in MiB (default: none given, 64 expected)")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--slow-pipe", metavar="FILE")
    parser.add_argument("--seconds", type=float, default=40)
    arguments = parser.parse_args()
    bound = (arguments.memory or 64) + 16
    given = ["-m", f"{arguments.memory}MiB"] if arguments.memory else []
    bad = 0
    for format_name in arguments.formats:
        output = os.path.join(arguments.scratch, "resident." + format_name)
        for source in arguments.sources:
            peak, status = peak_of([arguments.engine, "export", source, "-o", output, "--force", "--no-sync", "-q", *given])
            os.remove(output)
            bad += peak > bound or status != 0
            print(f"{format_name:8} {source}: {peak:.1f} MiB of {bound}, exit {status}", flush=True)
        if arguments.slow_pipe:
            slow = subprocess.Popen("sleep 5; exec pv -qL 20M > /dev/null", shell=True, stdin=subprocess.PIPE)
            peak, status = peak_of([arguments.engine, "export", arguments.slow_pipe, "-o", "-", "-f", format_name, "-q", *given],
                                   stdout=slow.stdin, seconds=arguments.seconds)
            slow.stdin.close()
            slow.wait()
            bad += peak > bound
            print(f"{format_name:8} {arguments.slow_pipe} into a slow pipe: {peak:.1f} MiB of {bound}, cut off (exit {status})",
                  flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
