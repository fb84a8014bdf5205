# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium over --remote-debugging-pipe: enough of its protocol to open a page, evaluate in it and take pictures."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, width=1280, height=900, dark=False, scale=1):
        self.home = tempfile.mkdtemp(prefix='chromium-')
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()
        command = ['chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
                   '--disable-dev-shm-usage', f'--user-data-dir={self.home}', '--remote-debugging-pipe', 'about:blank']

        def descriptors():
            a, b = os.dup(to_read), os.dup(to_write)
            os.dup2(a, 3), os.dup2(b, 4)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, pass_fds=(),
                                        preexec_fn=descriptors)
        os.close(to_read), os.close(to_write)
        self.number, self.pending, self.said, self.session = 0, b'', [], None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for name in ('Page', 'Runtime', 'Network', 'Log'):
            self.call(name + '.enable')
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'},
                                                               {'name': 'prefers-reduced-motion', 'value': 'reduce'}])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.to), os.close(self.back)
        shutil.rmtree(self.home, ignore_errors=True)

    def message(self, until):
        while b'\0' not in self.pending:
            if not select.select([self.back], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError('chromium does not answer')
            piece = os.read(self.back, 1 << 20)
            if not piece:
                raise EOFError('chromium ended')
            self.pending += piece
        one, self.pending = self.pending.split(b'\0', 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.number += 1
        sent = {'id': self.number, 'method': method, 'params': parameters}
        if self.session:
            sent['sessionId'] = self.session
        os.write(self.to, json.dumps(sent).encode() + b'\0')
        until = time.monotonic() + 60
        while True:
            got = self.message(until)
            if got.get('id') == self.number:
                if 'error' in got:
                    raise RuntimeError(f'{method}: {got["error"]}')
                return got['result']
            self.said.append(got)

    def open(self, url):
        self.call('Page.navigate', url=url)

    def value(self, expression):
        got = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in got:
            raise RuntimeError(f'{expression}: {got["exceptionDetails"]}')
        return got['result'].get('value')

    def wait_for(self, expression, seconds=30):
        until = time.monotonic() + seconds
        while not self.value(f'(() => {{ try {{ return {expression}; }} catch {{ return false; }} }})()'):
            if time.monotonic() > until:
                raise TimeoutError(expression)
            time.sleep(0.05)

    def picture(self, path, whole=True):
        shot = self.call('Page.captureScreenshot', format='png', captureBeyondViewport=whole)
        with open(path, 'wb') as file:
            file.write(base64.b64decode(shot['data']))

    def requests(self):
        """Addresses the page asked for."""
        return [one['params']['request']['url'] for one in self.said if one.get('method') == 'Network.requestWillBeSent']

    def complaints(self):
        """Errors of scripts and of the security policy."""
        return [json.dumps(one['params']) for one in self.said
                if one.get('method') == 'Runtime.exceptionThrown'
                or (one.get('method') == 'Log.entryAdded' and one['params']['entry']['level'] == 'error')]
