#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_minimal_test.py PROGRAM: the smallest example does what it says."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

PROGRAM = sys.argv.pop(1)


class EmbedMinimal(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top = pathlib.Path(scratch.name)
        (self.top / "tree").mkdir()
        (self.top / "tree/a").write_bytes(b"content" * 1000)

    def run_it(self, *arguments):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60)

    def test_a_directory_becomes_a_zip(self):
        done = self.run_it(self.top / "tree", self.top / "out.zip")
        self.assertEqual((done.returncode, done.stdout), (0, "1 files, 0 warnings\n"))
        with zipfile.ZipFile(self.top / "out.zip") as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.read("tree/a"), b"content" * 1000)

    def test_a_source_that_is_not_there_is_an_error_and_leaves_no_file(self):
        done = self.run_it(self.top / "nothing", self.top / "out.zip")
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)
        self.assertEqual([path.name for path in self.top.iterdir()], ["tree"])

    def test_without_arguments_it_says_how(self):
        self.assertEqual(self.run_it().returncode, 2)


if __name__ == "__main__":
    unittest.main()
