# SPDX-License-Identifier: Apache-2.0
"""Prints what ninja must build to run the given suites:  suite_targets.py BUILD_DIRECTORY SUITE..."""
import json
import os
import subprocess
import sys

build, wanted = os.path.abspath(sys.argv[1]), set(sys.argv[2:])


def introspect(what):
    return json.loads(subprocess.run(['meson', 'introspect', f'--{what}', build], check=True, capture_output=True).stdout)


files = {target['id']: target['filename'] for target in introspect('targets')}
outputs = set()
for test in introspect('tests'):
    if wanted & {suite.split(':')[-1] for suite in test['suite']}:
        outputs.update(name for target in test['depends'] for name in files.get(target, []))
        outputs.add(test['cmd'][0])
inside = sorted(os.path.relpath(name, build) for name in outputs if name.startswith(build + os.sep))
if not inside:
    sys.exit(f'no test in the suites {sorted(wanted)}')
print(*inside)
