#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Question: what does somebody who hammers /status at 1,000 requests a second cost an export?
Expected: a text is made at most ten times a second, so a request is some 30 us of parsing and copying: 3 % of one processor, less
than 2 % of an export on two. The client's own work is not the export's, but takes wall time from it where both share the processors:
its processor seconds stand beside.

    status_load.py NAME --program BUILD/src/cli/submitit-io --client BUILD/perf/scenario/status_load_client --tree DIR [--rounds 11]

Exports DIR with --status in turns without and with the client, and writes perf/results/NAME.md: medians and spread of wall and
processor seconds, the ratio of the medians, and what the client got. The archives must be equal.
"""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]


def digest(path):
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def one_run(options, output, hammered):
    began = time.monotonic()
    running = subprocess.Popen([options.program, 'export', options.tree, '-o', output, '-f', options.format, '--no-sync', '-q', '--status', ':0'],
                               stderr=subprocess.PIPE, text=True)
    line = running.stderr.readline()
    port = line.rsplit(':', 1)[1].strip('/\n')
    client = subprocess.Popen([options.client, port, str(options.rate)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) if hammered else None
    _, status, used = os.wait4(running.pid, 0)
    ended = time.monotonic()
    seconds = ended - began
    running.returncode = os.waitstatus_to_exitcode(status)
    answers, failures, client_cpu = (float(one) for one in client.communicate()[0].split()) if client else (0, 0, 0)
    if running.returncode != 0:
        sys.exit(f'status_load: the export ended with {running.returncode}')
    return {'wall': seconds, 'cpu': used.ru_utime + used.ru_stime, 'rate': answers / seconds, 'client_cpu': client_cpu, 'failures': failures}


def row(name, runs, key):
    values = sorted(one[key] for one in runs)
    return f'| {name} | {statistics.median(values):.3f} | {values[0]:.3f} | {values[-1]:.3f} |'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name')
    parser.add_argument('--program', required=True)
    parser.add_argument('--client', required=True)
    parser.add_argument('--tree', required=True)
    parser.add_argument('--format', default='tar.zst')
    parser.add_argument('--rounds', type=int, default=11)
    parser.add_argument('--rate', type=int, default=1000)
    options = parser.parse_args()
    runs = {False: [], True: []}
    with tempfile.TemporaryDirectory() as directory:
        output = directory + '/out'
        one_run(options, output, False)
        reference = digest(output)
        for turn in range(options.rounds):
            for hammered in (turn % 2 == 1, turn % 2 == 0):
                runs[hammered].append(one_run(options, output, hammered))
                if digest(output) != reference:
                    sys.exit('status_load: the archives differ')
    ratio = {key: statistics.median(one[key] for one in runs[False]) / statistics.median(one[key] for one in runs[True]) for key in ('wall', 'cpu')}
    paired = {key: statistics.median(a[key] / b[key] for a, b in zip(runs[False], runs[True])) for key in ('wall', 'cpu')}
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=TOP, capture_output=True, text=True).stdout.strip()
    text = '\n'.join([
        '# An export under a client of its status', '',
        f'{datetime.date.today()}, commit {commit}, {os.cpu_count()} processors, Linux {platform.release()}, load '
        f'{os.getloadavg()[0]:.1f} at the end. {options.rounds} rounds in turns, {options.format}, warm, output not synced; the client '
        'runs on the same processors.', '',
        '| | median | least | most |', '|---|---|---|---|',
        row('wall seconds, alone', runs[False], 'wall'), row('wall seconds, hammered', runs[True], 'wall'),
        row('processor seconds of the export, alone', runs[False], 'cpu'),
        row('processor seconds of the export, hammered', runs[True], 'cpu'),
        row('processor seconds of the client', runs[True], 'client_cpu'), row('answers a second', runs[True], 'rate'), '',
        f'Throughput hammered / alone, ratio of the medians: {ratio["wall"]:.3f} by wall time, {ratio["cpu"]:.3f} by processor time; median of '
        f'the rounds\' ratios: {paired["wall"]:.3f} and {paired["cpu"]:.3f}. Requests that failed: '
        f'{sum(one["failures"] for one in runs[True]):.0f}.', ''])
    (TOP / 'perf/results').mkdir(exist_ok=True)
    (TOP / f'perf/results/{options.name}.md').write_text(text, encoding='utf-8')
    print(text + json.dumps(ratio))


main()
