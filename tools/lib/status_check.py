#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The status endpoint against what reads it: promtool, a Prometheus server that scrapes an export, a browser with the page.

    status_check.py PROGRAM SAMPLE_ENDPOINT [PICTURES-DIRECTORY [TREE]]

Each part whose tool is missing is skipped, and said so with the package that has it. Exit: 0, 1 when a part failed, 77 when none ran.
With a directory, pictures of the page in light, dark and on a phone are left there; with a tree, too, of an export of it at its start, in
its middle and at its end.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from chromium import Browser  # noqa: E402

OPENMETRICS = 'application/openmetrics-text; version=1.0.0'


def fetch(url, accept=None):
    with urllib.request.urlopen(urllib.request.Request(url, headers={'Accept': accept} if accept else {}), timeout=10) as got:
        return got.read().decode()


class Sample:
    """The sample endpoint, still or moving."""
    def __init__(self, program, kind):
        self.process = subprocess.Popen([program, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)


class Export:
    """An export of a file of random bytes that a reader takes at `rate` bytes a second, or not at all."""
    def __init__(self, program, directory, rate, *options, at=':0'):
        tree = pathlib.Path(directory) / 'tree'
        tree.mkdir(exist_ok=True)
        if not (tree / 'noise').exists():
            with open('/dev/urandom', 'rb') as noise, open(tree / 'noise', 'wb') as file:
                for _ in range(256):
                    file.write(noise.read(1 << 20))
        self.process = subprocess.Popen([program, 'export', str(tree), '-o', '-', '-f', 'tar', '--status', at, *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0)
        self.url = self.process.stderr.readline().decode().split()[-1]
        self.rate = rate

    def read_for(self, seconds):
        began, taken = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            while taken < (time.monotonic() - began) * self.rate:
                taken += len(self.process.stdout.read(1 << 16))
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait(20)


def check_promtool(sample):
    for accept in (None, OPENMETRICS):
        text = fetch(sample.url + 'metrics', accept)
        if accept:
            assert text.endswith('# EOF\n')
            continue  # promtool knows the older format only; the Prometheus below reads this one
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not done.stdout and not done.stderr, done.stdout + done.stderr


def prometheus_query(base, query):
    got = json.loads(fetch(base + 'api/v1/query?' + urllib.parse.urlencode({'query': query})))
    return [float(one['value'][1]) for one in got['data']['result']]


def check_prometheus(program):
    """The rate that PromQL finds is the one at which the output is read."""
    rate = 4 << 20
    with tempfile.TemporaryDirectory() as home, Export(program, home, rate) as export:
        port = 19464
        config = pathlib.Path(home) / 'prometheus.yml'
        target = urllib.parse.urlparse(export.url).netloc
        config.write_text('global: {scrape_interval: 1s}\nscrape_configs:\n'
                          f'  - {{job_name: submitit, static_configs: [{{targets: ["{target}"]}}]}}\n')
        server = subprocess.Popen(['prometheus', f'--config.file={config}', f'--storage.tsdb.path={home}/data', f'--web.listen-address=127.0.0.1:{port}',
                                   '--log.level=error'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            export.read_for(22)
            base = f'http://127.0.0.1:{port}/'
            up = prometheus_query(base, 'up{job="submitit"}')
            found = prometheus_query(base, 'rate(submitit_export_output_bytes_total[15s])')
            assert up == [1.0], f'the endpoint is not scraped: {up}'
            assert len(found) == 1 and abs(found[0] / rate - 1) < 0.15, f'the rate is {found}, not {rate}'
            assert prometheus_query(base, 'submitit_export_state{state="running"}') == [1.0]
            print(f'prometheus: rate() of the output {found[0] / 2**20:.2f} MiB/s, read at {rate / 2**20:.2f} MiB/s')
        finally:
            server.terminate()
            server.wait(30)


def check_page(url, complete):
    """What the page shows is what /status says, worded by the functions of the page; and it asks nobody else for anything."""
    with Browser() as page:
        page.open(url)
        page.wait_for("document.getElementById('link').dataset.is === 'live'")
        told = json.loads(fetch(url + 'status'))
        job = told['jobs'][0]
        shown = page.value("Object.fromEntries([...document.querySelectorAll('[id]')].map(one => [one.id, one.textContent]))")
        words = page.value('''(told => { const job = told.jobs[0]; return {
            'f-content': bytes(told.jobs.reduce((all, one) => all + one.content_bytes, 0)),
            'f-output': bytes(told.jobs.reduce((all, one) => all + one.output_bytes, 0)),
            'm-high': bytes(told.budget.high_water_bytes), 'm-used': bytes(told.budget.used_bytes) + ', ' + percent(told.budget.limit_bytes ? told.budget.used_bytes / told.budget.limit_bytes : 0),
            'e-workers': told.workers.busy + ' of ' + told.workers.workers,
        }; })(''' + json.dumps(told) + ')')
        wrong = {name: (text, shown[name]) for name, text in words.items() if shown[name] != text}
        assert not wrong, f'/status against the page: {wrong}'
        origin = url.rstrip('/')
        assert all(one.startswith(origin) for one in page.requests()), page.requests()
        assert not page.complaints(), page.complaints()
        if not complete:
            return
        # Figures by hand, not by the page's own words.
        assert shown['f-content'] == '79.3 GiB' and shown['f-output'] == '59.5 GiB' and shown['m-high'] == '233 MiB', shown
        assert shown['e-workers'] == '1 of 2' and shown['f-rate'] == '113 MiB/s' and shown['f-eta'] == '16 min 09 s', shown
        assert shown['said'] == 'Bound by the processor' and job['bound_by']['flag'] in shown['more'], shown['said']
        for warning in job['last_warnings']:
            assert warning['path'] in shown['w-last'], shown['w-last']
        assert page.value("document.querySelectorAll('main img, main b b').length") == 0, 'a name became markup'
        unnamed = page.value("[...document.querySelectorAll('section')].filter(one => !one.getAttribute('aria-labelledby')).length")
        assert unnamed == 0, f'{unnamed} sections without a name'


def check_reconnect(program):
    """The page finds the endpoint again after it was gone."""
    with Sample(program, 'still') as first, Browser() as page:
        page.open(first.url)
        page.wait_for("document.getElementById('link').dataset.is === 'live'")
        first.process.kill()
        page.wait_for("document.getElementById('link').dataset.is === 'lost'")
        again = subprocess.Popen([program, 'still', urllib.parse.urlparse(first.url).netloc], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        page.wait_for("document.getElementById('link').dataset.is === 'live'")
        again.stdin.close()
        again.wait(20)


def press(page, button, token=None):
    page.value(f"document.getElementById('{button}').click()")
    if token is not None:
        page.wait_for("document.getElementById('ask').open")
        page.value(f"document.getElementById('ask-token').value = '{token}'; document.getElementById('ask-yes').click()")


def check_buttons(program):
    """Pause, resume and cancel by the page: it asks for the token once, says when it is the wrong one, and shows what came of it."""
    with tempfile.TemporaryDirectory() as home:
        file = home + '/token'
        with Export(program, home, 0, '--status-token-file', file) as export, Browser() as page:
            token = pathlib.Path(file).read_text().strip()
            page.open(export.url)
            page.wait_for("!document.getElementById('controls').hidden && document.getElementById('c-resume').hidden")
            press(page, 'c-pause', '0' * 64)
            page.wait_for("!document.getElementById('ask-wrong').hidden")
            assert page.value("document.getElementById('ask-wrong').textContent") == 'That is not its token.'
            page.value(f"document.getElementById('ask-token').value = '{token}'; document.getElementById('ask-yes').click()")
            page.wait_for("!document.getElementById('c-resume').hidden && document.getElementById('c-pause').hidden")
            assert json.loads(fetch(export.url + 'status'))['jobs'][0]['state'] == 'paused'
            press(page, 'c-resume')
            page.wait_for("document.getElementById('c-resume').hidden")
            press(page, 'c-cancel')
            page.wait_for("document.getElementById('ask').open && document.getElementById('ask-label').hidden")
            page.value("document.getElementById('ask-yes').click()")
            page.wait_for("document.getElementById('link-text').textContent === 'Cancelled'")
            assert export.process.wait(20) == 128 + 15, export.process.returncode
            assert not [one for one in page.complaints() if '401' not in one], page.complaints()


def check_remote(program):
    """On an address that others reach the page asks for the token, and then shows what it shows."""
    with tempfile.TemporaryDirectory() as home:
        file = home + '/token'
        with Export(program, home, 0, '--status-token-file', file, '--status-allow-remote', at='0.0.0.0:0') as export, Browser() as page:
            page.open(export.url.replace('0.0.0.0', '127.0.0.1'))
            page.wait_for("document.getElementById('ask').open")
            token = pathlib.Path(file).read_text().strip()
            page.value(f"document.getElementById('ask-token').value = '{token}'; document.getElementById('ask-yes').click()")
            page.wait_for("document.getElementById('link').dataset.is === 'live' && document.getElementById('m-limit').textContent !== ''")


LOOKS = (('light', 1280, 900, False), ('dark', 1280, 900, True), ('phone', 390, 844, False))


def take_pictures_of_export(program, tree, directory):
    """The same page through a whole export: soon after it began, half-way, and when it has ended."""
    with tempfile.TemporaryDirectory() as home:
        export = subprocess.Popen([program, 'export', tree, '-o', home + '/out.tar.zst', '-l', '12', '-q', '--status', ':0'], stderr=subprocess.PIPE, text=True)
        url = export.stderr.readline().split()[-1]
        pages = {name: Browser(width, height, dark) for name, width, height, dark in LOOKS}
        try:
            for page in pages.values():
                page.open(url)
            for moment, reached in (('start', 'samples.length >= 2'), ('middle', "parseFloat(document.getElementById('f-fraction').textContent) >= 50"),
                                    ('end', "document.getElementById('link').dataset.is === 'done'")):
                for name, page in pages.items():
                    page.wait_for(reached, 600)
                    page.picture(f'{directory}/export-{moment}-{name}.png')
            assert export.wait(60) == 0, export.returncode
        finally:
            export.kill()
            export.wait()
            for page in pages.values():
                page.__exit__()


def take_pictures(program, directory):
    with Sample(program, 'moving') as sample:
        for name, width, height, dark in LOOKS:
            with Browser(width, height, dark) as page:
                page.open(sample.url)
                page.wait_for("document.getElementById('link').dataset.is === 'live' && samples.length >= 5")
                wide = page.value('document.documentElement.scrollWidth')
                assert wide <= width, f'{name}: {wide} pixels wide'
                if directory:
                    page.picture(f'{directory}/{name}.png')


def main():
    program, sample_program = sys.argv[1:3]
    pictures = sys.argv[3] if len(sys.argv) > 3 else None
    tree = sys.argv[4] if len(sys.argv) > 4 else None
    ran = failed = 0

    def part(name, tool, package, run):
        nonlocal ran, failed
        if not shutil.which(tool):
            print(f'skipped: {name}: no {tool} here; the Debian package {package} has it')
            return
        ran += 1
        try:
            run()
            print(f'{name}: ok')
        except Exception as wrong:  # all parts are to be heard
            failed += 1
            print(f'{name}: FAILED: {type(wrong).__name__}: {wrong}')

    def promtool():
        with Sample(sample_program, 'still') as sample:
            check_promtool(sample)

    def page_of_sample():
        with Sample(sample_program, 'still') as sample:
            check_page(sample.url, True)

    def page_of_export():
        with tempfile.TemporaryDirectory() as home, Export(program, home, 0) as export:
            export.read_for(2)  # nobody reads, so the figures stand still after the pipe is full
            check_page(export.url, False)

    part('metrics are clean', 'promtool', 'prometheus', promtool)
    part('a Prometheus server scrapes an export', 'prometheus', 'prometheus', lambda: check_prometheus(program))
    part('the page shows the sample', 'chromium', 'chromium', page_of_sample)
    part('the page shows an export', 'chromium', 'chromium', page_of_export)
    part('the page connects again', 'chromium', 'chromium', lambda: check_reconnect(sample_program))
    part('the page pauses, resumes and cancels', 'chromium', 'chromium', lambda: check_buttons(program))
    part('the page asks for the token', 'chromium', 'chromium', lambda: check_remote(program))
    if tree:
        part('an export in pictures', 'chromium', 'chromium', lambda: take_pictures_of_export(program, tree, pictures))
    part('the page fits', 'chromium', 'chromium', lambda: take_pictures(sample_program, pictures))
    sys.exit(1 if failed else 0 if ran else 77)


if __name__ == '__main__':
    main()
