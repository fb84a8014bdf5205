#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random 4 KiB reads of one file at depth 64: submitit::file_reader beside fio and boost::asio::random_access_file.

    perf/scenario/random_read.py NAME --file FILE --build BUILD [--rounds 7] [--seconds 2]

The contestants take turns, in a new order each round; ratios are medians over the rounds of pairs from one round, so that a
slow minute of the machine hits both sides. FILE should be of 1 GiB, on a real disk, and not the only thing in the page cache
that matters: warm runs read it whole first. Writes perf/results/NAME.md.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

DEPTH = 64


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f'random_read: exit {done.returncode} from {command}\n{done.stderr[-2000:]}')
    return done.stdout


def with_fio(arguments, direct):
    """Operations a second, and microseconds of CPU an operation."""
    # invalidate=0: fio would drop the file's pages before a buffered run.
    job = json.loads(run([
        'fio', '--name=random', f'--filename={arguments.file}', '--readonly', '--rw=randread', '--bs=4k', '--ioengine=io_uring',
        f'--iodepth={DEPTH}', f'--direct={int(direct)}', '--invalidate=0', '--norandommap', '--randrepeat=0', '--time_based',
        f'--runtime={arguments.seconds}', '--output-format=json']))['jobs'][0]
    operations = job['read']['iops']
    return operations, (job['usr_cpu'] + job['sys_cpu']) * 1e4 / operations


def with_program(*words):
    def measure(arguments, direct):
        command = [f'{arguments.build}/perf/{words[0]}', arguments.file, *words[1:], '--depth', str(DEPTH), '--seconds',
                   str(arguments.seconds)] + ['--direct'] * direct
        told = run(command).split()
        if words[0] == 'random_read_bench' and told[1] not in words:
            sys.exit(f'random_read: asked for {words}, ran on {told[1]}')
        return float(told[told.index('iops') + 1]), float(told[told.index('cpu_us') + 1])
    return measure


CONTESTANTS = {
    'submitit, ring': with_program('random_read_bench', '--backend', 'uring'),
    'submitit, threads': with_program('random_read_bench', '--backend', 'threads'),
    'fio, io_uring': with_fio,
    'Asio, 64 objects': with_program('random_read_asio', '--objects', '64'),
    'Asio, 1 object': with_program('random_read_asio', '--objects', '1'),
}


def one_round(arguments, direct, turn):
    names = list(CONTESTANTS)
    names = names[turn % len(names):] + names[:turn % len(names)]
    results = {}
    for name in names:
        if not direct:
            subprocess.run(['cat', arguments.file], stdout=subprocess.DEVNULL, check=True)
        results[name] = CONTESTANTS[name](arguments, direct)
    return results


def table(rounds):
    ours = 'submitit, ring'
    lines = ['| contestant | reads/s, median (least-most) | CPU us a read | reads/s of submitit, ring / its own, by round |',
             '|---|---|---|---|']
    order = sorted(CONTESTANTS, key=lambda name: -statistics.median(one[name][0] for one in rounds))
    for name in order:
        speeds = [one[name][0] for one in rounds]
        cpu = statistics.median(one[name][1] for one in rounds)
        ratios = sorted(one[ours][0] / one[name][0] for one in rounds)
        lines.append(f'| {name} | {statistics.median(speeds):,.0f} ({min(speeds):,.0f}-{max(speeds):,.0f}) | {cpu:.1f} | '
                     f'{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}) |')
    return lines


def facts(arguments):
    cpu = next(line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name'))
    commit = run(['git', '-C', str(pathlib.Path(__file__).parent), 'rev-parse', '--short', 'HEAD']).strip()
    return [f'- machine: {cpu}, {os.cpu_count()} cores; Linux {platform.release()}; {run(["fio", "--version"]).strip()}',
            f'- file: {os.path.getsize(arguments.file) >> 20} MiB, on {run(["findmnt", "-no", "FSTYPE", "-T", arguments.file]).strip()}',
            f'- commit {commit}, {run(["date", "+%Y-%m-%d"]).strip()}; load of others before the first round: {os.getloadavg()[0]:.1f}',
            f'- {arguments.rounds} rounds of {arguments.seconds} s each']


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('name')
    parser.add_argument('--file', required=True)
    parser.add_argument('--build', required=True)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--seconds', type=int, default=2)
    arguments = parser.parse_args()
    lines = [f'# {arguments.name}', '', *facts(arguments)]
    for title, direct in (('direct (O_DIRECT)', True), ('warm (page cache)', False)):
        rounds = [one_round(arguments, direct, turn) for turn in range(arguments.rounds)]
        lines += ['', f'## {title}', '', *table(rounds)]
    text = '\n'.join(lines) + '\n'
    (pathlib.Path(__file__).parent.parent / 'results' / f'{arguments.name}.md').write_text(text)
    print(text)


if __name__ == '__main__':
    main()
