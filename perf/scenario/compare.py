#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Question: how does submitit-io compare with the usual tools, and with what this machine could do at most?
Expected: within 3 % of the ceiling in each row, so ahead of every tool (perf/README.md).

Each row is one kind of archive. Every contestant first runs once unmeasured, and a foreign reader counts what it wrote; then the
contestants take turns for --rounds rounds. Prints medians and writes perf/results/NAME.md. Cold rows empty the page cache (root).
"""
import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import shlex
import shutil
import stat
import statistics
import subprocess
import sys
import tarfile
import time
import zipfile

TOP = pathlib.Path(__file__).resolve().parents[2]
READERS_COLD = 16  # readers of the ceiling when nothing is cached


@dataclasses.dataclass
class Row:
    """One kind of archive: {tree} parent {base} name {out} output {jobs} are filled into the commands, which a shell runs."""
    suffix: str
    engine: str
    ceiling: str
    peers: dict
    cold: bool = False


TAR = 'tar -C {parent} -cf - {base}'
ROWS = {
    'zip': Row('zip', '-f zip', '--codec libdeflate-3', {
        'zip -6': 'cd {parent} && zip -qry6 {out} {base}',
        '7zz zip -mx=1': '7zz a -bso0 -bsp0 -tzip -mx=1 -snl -mmt={jobs} {out} {tree}',
        'bsdtar zip': 'bsdtar -C {parent} --format zip -cf {out} {base}'}),
    'zip-fast': Row('zip', '-f zip -l 1', '--codec isal-1', {
        'zip -1': 'cd {parent} && zip -qry1 {out} {base}'}),
    'tar.gz': Row('tar.gz', '-f tar.gz', '--codec libdeflate-6 --unit 1m', {
        'tar | pigz -6': TAR + ' | pigz -6 -p {jobs} > {out}'}),
    'tar.gz-fast': Row('tar.gz', '-f tar.gz -l 1', '--codec isal-2 --unit 1m', {
        'tar | pigz -1': TAR + ' | pigz -1 -p {jobs} > {out}'}),
    'tar.zst': Row('tar.zst', '-f tar.zst', '--codec zstd-3 --unit 4m', {
        'tar | zstd -3 -T0': TAR + ' | zstd -q -3 -T0 > {out}',
        'bsdtar zstd': 'bsdtar -C {parent} --zstd --options zstd:compression-level=3,zstd:threads={jobs} -cf {out} {base}'}),
    'tar': Row('tar', '-f tar', '--codec none --unit 1m', {
        'tar': 'tar -C {parent} -cf {out} {base}',
        'bsdtar': 'bsdtar -C {parent} -cf {out} {base}'}),
}
for cold_name in ('tar.zst', 'zip-fast', 'tar'):
    ROWS[cold_name + '-cold'] = dataclasses.replace(ROWS[cold_name], cold=True)
# What a user gets who asks for nothing special: output synced; compared with itself only.
ROWS['defaults'] = Row('zip', '-f zip --defaults', '--codec libdeflate-3', {})

VERSIONS = {'zip': ['zip', '-v'], '7zz': ['7zz'], 'bsdtar': ['bsdtar', '--version'], 'tar': ['tar', '--version'],
            'pigz': ['pigz', '--version'], 'zstd': ['zstd', '--version']}


@dataclasses.dataclass
class Sample:
    seconds: float
    cpu: float
    rss_mib: float
    size: int


def fail(message):
    sys.exit(f'compare: {message}')


def tree_facts(tree):
    """(files, bytes with every hard link counted, bytes with each inode counted once)."""
    files = every = once = 0
    seen = set()
    for folder, _, names in os.walk(tree):
        for name in names:
            info = os.lstat(os.path.join(folder, name))
            if not stat.S_ISREG(info.st_mode):
                continue
            files, every = files + 1, every + info.st_size
            if (info.st_dev, info.st_ino) not in seen:
                once += info.st_size
                seen.add((info.st_dev, info.st_ino))
    return files, every, once


def count_zip(path):
    """Files and bytes by Python's reader, after `unzip -t` has compared every CRC."""
    subprocess.run(['unzip', '-tqq', path], check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(path) as archive:
        plain = [i for i in archive.infolist() if not i.is_dir() and (i.external_attr >> 28) in (0, 8)]
    return len(plain), sum(i.file_size for i in plain)


def count_tar(path, unpack):
    """Files and bytes by Python's reader behind the format's own decompressor, which checks its checksums."""
    with subprocess.Popen([*unpack, path], stdout=subprocess.PIPE) as source:
        files = size = 0
        with tarfile.open(fileobj=source.stdout, mode='r|') as archive:
            for member in archive:
                if member.isreg() or member.islnk():
                    files, size = files + 1, size + (member.size if member.isreg() else 0)
                archive.members = []
        source.stdout.read()
        if source.wait() != 0:
            fail(f'{unpack[0]} refuses the output')
    return files, size


def check_output(name, row, path, facts):
    files, every, once = facts
    unpack = {'tar': ['cat'], 'tar.gz': ['gzip', '-dc'], 'tar.zst': ['zstd', '-dcq']}
    right = {(files, every)} if row.suffix == 'zip' else {(files, once), (files, every)}
    try:
        found = count_zip(path) if row.suffix == 'zip' else count_tar(path, unpack[row.suffix])
    except (tarfile.TarError, zipfile.BadZipFile, subprocess.CalledProcessError, EOFError) as error:
        fail(f'{name}: the output cannot be read: {error!r}')
    if found not in right:
        fail(f'{name}: {found} files and bytes in the archive, {sorted(right)} in the tree')


def measure(command, output, cold):
    """Runs one command in a shell. CPU is that of all its processes; the peak memory is that of the largest one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(output)
    os.sync()
    if cold:
        pathlib.Path('/proc/sys/vm/drop_caches').write_text('3\n')
    start = time.monotonic()
    # GNU time stands between because a child of Python's own carries Python's size as its peak, from before its exec.
    done = subprocess.run(['time', '-q', '-f', '%U %S %M', '-o', output + '.usage', 'bash', '-c', 'set -o pipefail; ' + command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        fail(f'exit {done.returncode} from: {command}\n{done.stdout.decode(errors="replace")[-2000:]}')
    usage = pathlib.Path(output + '.usage')
    user, system, peak_kib = (float(word) for word in usage.read_text().split())
    usage.unlink()
    return Sample(seconds, user + system, peak_kib / 1024, os.path.getsize(output)), done.stdout


def contestants(row, options):
    """Name -> command template for the row; tools that are not installed are left out, and said so."""
    engine = f'{shlex.quote(options.engine)} export {{tree}} -o {{out}} -q -j {{jobs}} '
    special = row.engine.replace(' --defaults', '')
    found = {'submitit-io': engine + special + ('' if '--defaults' in row.engine else ' --no-sync') + ' ' + options.engine_args}
    readers = f' --readers {READERS_COLD}' if row.cold else ''
    found['ceiling'] = f'{shlex.quote(options.ceiling)} {row.ceiling} --threads {{jobs}}{readers} {{tree}} {{out}}'
    for name, command in row.peers.items():
        lacking = [t for t in ('zip', '7zz', 'bsdtar', 'pigz', 'zstd') if t in name.split() and not shutil.which(t)]
        if lacking:
            print(f'  left out: {name} ({lacking[0]} is not installed)', file=sys.stderr)
        else:
            found[name] = command
    if options.only_peers:
        del found['submitit-io']
    return found


def run_row(row_name, row, options, facts):
    """Name -> list of samples, one a round."""
    fill = {'tree': shlex.quote(options.tree), 'parent': shlex.quote(os.path.dirname(options.tree)),
            'base': shlex.quote(os.path.basename(options.tree)), 'jobs': options.jobs}
    output = os.path.join(options.scratch, f'compare-{os.getpid()}.{row.suffix}')
    commands = {name: text.format(out=shlex.quote(output), **fill) for name, text in contestants(row, options).items()}
    samples = {name: [] for name in commands}
    try:
        for name, command in commands.items():
            _, said = measure(command, output, False)
            if name == 'ceiling':
                if json.loads(said)['bytes_in'] != facts[1]:
                    fail(f'the ceiling read {json.loads(said)["bytes_in"]} bytes of {facts[1]}')
            else:
                check_output(name, row, output, facts)
            print(f'  {row_name}: {name}: output is right', file=sys.stderr)
        order = list(commands)
        for turn in range(options.rounds):
            for name in order[turn % len(order):] + order[:turn % len(order)]:
                sample, _ = measure(commands[name], output, row.cold)
                samples[name].append(sample)
                print(f'  {row_name}: round {turn + 1}: {name}: {sample.seconds:.2f} s', file=sys.stderr)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(output)
    return samples


def median_ratio(upper, lower):
    """The median over the rounds of upper/lower, each pair from one round, so that drift of the machine cancels."""
    return statistics.median(a.seconds / b.seconds for a, b in zip(upper, lower, strict=True))


def table(samples):
    lines = ['| contestant | wall s, median (least-most) | user+sys s | peak MiB, largest process | output MB | wall / submitit-io |',
             '|---|---|---|---|---|---|']
    engine = samples.get('submitit-io')
    for name, runs in sorted(samples.items(), key=lambda item: statistics.median(s.seconds for s in item[1])):
        wall = [s.seconds for s in runs]
        ratio = f'{median_ratio(runs, engine):.2f}' if engine else ''
        lines.append(f'| {name.replace("|", "&#124;")} | {statistics.median(wall):.2f} ({min(wall):.2f}-{max(wall):.2f}) '
                     f'| {statistics.median(s.cpu for s in runs):.2f} | {max(s.rss_mib for s in runs):.1f} '
                     f'| {statistics.median(s.size for s in runs) / 1e6:.1f} | {ratio} |')
    return lines


def verdict(samples):
    """The two ratios that perf/README.md sets goals for, in words."""
    if 'submitit-io' not in samples:
        return []
    engine = samples['submitit-io']
    words = [f'{median_ratio(engine, samples["ceiling"]):.3f} x the ceiling\'s time']
    peers = {n: r for n, r in samples.items() if n not in ('submitit-io', 'ceiling')}
    if peers:
        best = min(peers, key=lambda n: statistics.median(s.seconds for s in peers[n]))
        words.append(f'{median_ratio(peers[best], engine):.2f} times as fast as the fastest tool ({best})')
        size, bound = engine[0].size, next(iter(peers.values()))[0].size
        words.append(f'output {size / bound:.3f} x that of {next(iter(peers))}' + (', TOO LARGE: this row does not count' if size > bound else ''))
    return ['', 'submitit-io: ' + '; '.join(words) + '.']


def first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return next((line for line in lines if any(c.isdigit() for c in line) and not line.startswith('Copyright')), '?')


def circumstances(options, facts):
    cpu = next((line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name')), '?')
    memory = int(open('/proc/meminfo').readline().split()[1]) / 2**20
    commit = subprocess.run(['git', '-C', TOP, 'describe', '--always', '--dirty'], capture_output=True, text=True).stdout.strip()
    kind = [subprocess.run(['findmnt', '-no', 'FSTYPE', '-T', path], capture_output=True, text=True).stdout.strip() or '?'
            for path in (options.tree, options.scratch)]
    words = ['compare.py', '--rows', ' '.join(options.rows), '--rounds', str(options.rounds), '--jobs', str(options.jobs),
             '--tree TREE --scratch SCRATCH', options.name]
    versions = '; '.join(first_line(command) for tool, command in VERSIONS.items() if shutil.which(tool))
    return [f'- machine: {cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB; Linux {platform.release().split("-")[0]}',
            f'- tree: {os.path.basename(options.tree)}, {facts[0]} files, {facts[1] / 1e6:.0f} MB, on {kind[0]}; output on {kind[1]}',
            f'- commit {commit}, {datetime.date.today()}', f'- tools: {versions}', f'- command: `{" ".join(words)}`']


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', help='the table goes to perf/results/NAME.md')
    parser.add_argument('--tree', required=True, help='directory to export')
    parser.add_argument('--scratch', required=True, help='directory for outputs; a few GB')
    parser.add_argument('--rows', nargs='+', default=['zip', 'zip-fast', 'tar.gz', 'tar.gz-fast', 'tar.zst', 'tar'], choices=ROWS)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--jobs', type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument('--engine', default=str(TOP / 'build/release/src/cli/submitit-io'))
    parser.add_argument('--engine-args', default='', help='more arguments for each export, for trying something out')
    parser.add_argument('--ceiling', default=str(TOP / 'build/perf/perf/scenario/ceiling'))
    parser.add_argument('--only-peers', action='store_true', help='without submitit-io')
    parser.add_argument('--peer', action='append', default=[], metavar='ROW=NAME=COMMAND',
                        help='another tool; {tree} {parent} {base} {out} {jobs} are filled in')
    options = parser.parse_args()
    options.tree, options.scratch = os.path.realpath(options.tree), os.path.realpath(options.scratch)
    for path in [options.ceiling] + ([] if options.only_peers else [options.engine]):
        if not os.access(path, os.X_OK):
            fail(f'{path} is missing: build it as perf/README.md says')
    if any(ROWS[name].cold for name in options.rows) and os.geteuid() != 0:
        fail('cold rows empty the page cache, which needs root')
    for text in options.peer:
        row, name, command = text.split('=', 2)
        ROWS[row].peers[name] = command
    return options


def main():
    options = arguments()
    facts = tree_facts(options.tree)
    report = [f'# {options.name}', '', *circumstances(options, facts)]
    target = TOP / 'perf/results' / f'{options.name}.md'
    target.parent.mkdir(parents=True, exist_ok=True)
    for name in options.rows:
        samples = run_row(name, ROWS[name], options, facts)
        report += ['', f'## {name}', '', *table(samples), *verdict(samples)]
        target.write_text('\n'.join(report) + '\n')  # after each row: a long run that is stopped leaves what it has
    print('\n'.join(report))


if __name__ == '__main__':
    main()
