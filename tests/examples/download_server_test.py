#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""download_server_test.py PROGRAM: the server through its socket, as clients good and bad see it."""
import http.client
import io
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

from serving import PATIENCE, Server, fill, read_to_end, status_of

PROGRAM = sys.argv.pop(1)
SCRATCH = tempfile.TemporaryDirectory()
ROOT = pathlib.Path(SCRATCH.name) / "root"
FILES = fill(ROOT)


class ServerTest(unittest.TestCase):
    def serve(self, *options, root=ROOT):
        server = Server(PROGRAM, root, *options)
        self.addCleanup(server.kill)
        return server

    def get(self, server, target, method="GET", headers=None):
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.addCleanup(client.close)
        client.request(method, target, headers=headers or {})
        answer = client.getresponse()
        return answer, answer.read()

    def check_tree(self, names_and_bytes, top="data"):
        wanted = {top + name.removeprefix("data"): content for name, content in FILES.items()}
        self.assertEqual(sorted(names_and_bytes), sorted(wanted))
        self.assertTrue(names_and_bytes == wanted)

    def check_zip(self, body, top="data"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            self.assertIsNone(archive.testzip())
            self.check_tree({one.filename: archive.read(one) for one in archive.infolist() if not one.is_dir()}, top)

    def check_tar(self, body):
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            self.check_tree({one.name: archive.extractfile(one).read() for one in archive if one.isfile()})


class Bodies(ServerTest):
    def test_each_format_holds_the_tree_but_for_hidden_names(self):
        server = self.serve()
        answer, body = self.get(server, "/data.zip")
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "application/zip"))
        self.assertEqual(answer.getheader("Transfer-Encoding"), "chunked")
        self.check_zip(body)
        self.check_tar(self.get(server, "/data.tar")[1])
        self.check_tar(self.get(server, "/data.tar.gz")[1])
        packed = self.get(server, "/data.tar.zst")[1]
        self.check_tar(subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True).stdout)

    def test_the_same_request_gives_the_same_bytes(self):
        server = self.serve()
        self.assertEqual(self.get(server, "/data.zip")[1], self.get(server, "/data.zip")[1])

    def test_names_are_decoded_and_links_below_the_root_followed_under_their_own_name(self):
        server = self.serve()
        self.check_zip(self.get(server, "/current.zip")[1], top="current")
        self.check_zip(self.get(server, "/%64at%61.zip?x=y")[1])
        answer, body = self.get(server, "/data/sub%20dir.zip")
        self.assertEqual(answer.status, 200)
        self.assertIn("sub dir/b\u00fcch", zipfile.ZipFile(io.BytesIO(body)).namelist())

    def test_a_connection_serves_one_request_after_the_other_also_sent_at_once(self):
        server = self.serve()
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        for target, status in [("/data.zip", 200), ("/no.zip", 404), ("/data/many.tar", 200)] * 2:
            client.request("GET", target)
            answer = client.getresponse()
            answer.read()
            self.assertEqual(answer.status, status)
        client.close()
        one = b"HEAD /data/many.tar HTTP/1.1\r\n\r\n"
        last = b"HEAD /data.zip HTTP/1.1\r\nConnection: close\r\n\r\n"
        self.assertEqual(server.raw(one + one + last).count(b"HTTP/1.1 200 OK\r\n"), 3)

    def test_head_has_the_header_of_get_and_no_body(self):
        server = self.serve()
        with server.connect() as client:
            client.sendall(b"HEAD /data.zip HTTP/1.1\r\nConnection: close\r\n\r\n")
            answer, _ = read_to_end(client)
        header, body = answer.split(b"\r\n\r\n", 1)
        self.assertEqual((status_of(header), body), (200, b""))
        self.assertIn(b"Transfer-Encoding: chunked", header)
        self.assertEqual(status_of(server.raw(b"HEAD /no.zip HTTP/1.1\r\nConnection: close\r\n\r\n")), 404)


class Refusals(ServerTest):
    def status(self, server, target, method=b"GET", rest=b""):
        return status_of(server.raw(method + b" " + target + b" HTTP/1.1\r\nConnection: close\r\n" + rest + b"\r\n"))

    def test_what_is_not_there_or_not_a_directory_is_not_found(self):
        server = self.serve()
        for target in (b"/no.zip", b"/data", b"/data.rar", b"/data/a.txt.zip", b"/.zip", b"/", b"/data/.zip",
                       b"/data/many/../many.zip", b"/" + b"x" * 300 + b".zip"):
            self.assertEqual(self.status(server, target), 404, target)

    def test_nothing_outside_the_root_and_nothing_hidden_is_found(self):
        server = self.serve(root=ROOT / "data")
        for target in (b"/../data.zip", b"/%2e%2e/data.zip", b"/many/../../data.zip", b"/many/%2e%2e%2f%2e%2e%2fdata.zip",
                       b"//etc.zip", b"/%2fetc.zip", b"/.git.zip", b"/%2egit.zip", b"/../.private/x.zip", b"/./many.zip"):
            self.assertEqual(self.status(server, target), 404, target)
        server = self.serve()
        for target in (b"/out.zip", b"/out/ssl.zip", b"/dots.zip", b"/dots/x.zip", b"/.private.zip"):
            self.assertEqual(self.status(server, target), 404, target)

    def test_what_is_no_name_is_a_bad_request(self):
        server = self.serve()
        for target in (b"/data%00.zip", b"/data%zz.zip", b"/data.zip%4", b"data.zip", b"http://x/data.zip"):
            self.assertEqual(self.status(server, target), 400, target)
        self.assertEqual(status_of(server.raw(b"nonsense\r\n\r\n")), 400)

    def test_only_get_and_head_are_methods_here(self):
        server = self.serve()
        for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"BREW"):
            self.assertEqual(self.status(server, b"/data.zip", method), 405)
        answer = server.raw(b"POST /data.zip HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        self.assertEqual(status_of(answer), 405)  # and the connection ended: the body is no request
        self.assertIn(b"\r\nAllow: GET, HEAD\r\n", answer)
        self.assertEqual(self.status(server, b"/data.zip", rest=b"Content-Length: 5\r\n"), 413)

    def test_old_versions_cannot_tell_an_end_from_a_cut(self):
        self.assertEqual(status_of(self.serve().raw(b"GET /data.zip HTTP/1.0\r\n\r\n")), 505)

    def test_a_header_may_have_8_kib_and_not_more(self):
        server = self.serve()
        line = b"GET /no.zip HTTP/1.1\r\nConnection: close\r\nX: "
        for length, status in ((8192, 404), (8193, 431), (20000, 431)):
            self.assertEqual(status_of(server.raw(line + b"x" * (length - len(line) - 4) + b"\r\n\r\n")), status, length)

    def test_a_failure_before_the_first_byte_has_a_status(self):
        server = self.serve("--memory", "300K")  # less than any export needs
        self.assertEqual(self.status(server, b"/data.zip"), 500)

    def test_beyond_the_budget_clients_are_told_to_come_later(self):
        server = self.serve("--memory", "4M")
        admitted = []
        for _ in range(50):
            client = server.connect(receive_bytes=4096)
            self.addCleanup(client.close)
            client.sendall(b"GET /data.zip HTTP/1.1\r\n\r\n")
            head = client.recv(12)
            if head != b"HTTP/1.1 200":
                break
            admitted.append(client)
        self.assertGreaterEqual(len(admitted), 2)
        answer = head + read_header(client)
        self.assertEqual(status_of(answer), 503)
        self.assertRegex(answer, rb"\r\nRetry-After: \d+\r\n")
        for one in admitted:
            one.close()
        client.close()
        self.assertEqual(server.idle_usage()["used"], 0)
        self.check_zip(self.get(server, "/data.zip")[1])
        self.assertLessEqual(server.usage()["high_water"], 4 << 20)

    def test_beyond_its_connections_the_server_says_so_and_recovers(self):
        server = self.serve("--connections", "2")
        first, second = server.connect(), server.connect()
        for client in (first, second):
            client.sendall(b"HEAD /data.zip HTTP/1.1\r\n\r\n")
            self.assertEqual(status_of(read_header(client)), 200)
        self.assertEqual(status_of(server.raw(b"")), 503)
        first.close()
        second.close()
        server.idle_usage()
        self.assertEqual(self.get(server, "/data/many.zip")[0].status, 200)


def read_header(client):
    received = b""
    while b"\r\n\r\n" not in received:
        got = client.recv(1)
        if not got:
            break
        received += got
    return received


class Deadlines(ServerTest):
    def test_a_request_that_does_not_end_is_cut_off(self):
        server = self.serve("--header-timeout", "0.2", "--idle-timeout", "100")
        with server.connect() as client:
            client.sendall(b"GET /data.zip HTTP/1.1\r\n")
            self.assertEqual(read_to_end(client)[0], b"")
        with server.connect() as client:  # nor may it begin late
            self.assertEqual(read_to_end(client)[0], b"")

    def test_a_connection_without_a_request_is_cut_off(self):
        server = self.serve("--idle-timeout", "0.2")
        with server.connect() as client:
            client.sendall(b"HEAD /data.zip HTTP/1.1\r\n\r\n")
            self.assertEqual(read_to_end(client)[0].count(b"HTTP/1.1 200 OK"), 1)

    def test_a_client_that_takes_nothing_is_cut_off_and_leaves_nothing(self):
        server = self.serve("--minimum-rate", "100K", "--patience", "0.5")
        before = server.descriptors()
        with server.connect(receive_bytes=4096) as client:
            client.sendall(b"GET /data.zip HTTP/1.1\r\n\r\n")
            client.recv(100)
            self.assertGreater(server.usage()["used"], 0)
            now = server.idle_usage()
            self.assertEqual((now["used"], now["committed"], now["connections"], now["descriptors"]), (0, 0, 0, 0))
            self.assertEqual(server.descriptors(), before)
            body, in_order = read_to_end(client)
            self.assertFalse(in_order)
            self.assertNotIn(b"\r\n0\r\n\r\n", body)


class Stored(ServerTest):
    def setUp(self):
        self.server = self.serve("--store")
        self.whole = self.get(self.server, "/data.zip")
        self.etag = self.whole[0].getheader("ETag")

    def ask(self, method="GET", **fields):
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        return self.get(self.server, "/data.zip", method, headers)

    def test_a_stored_zip_has_its_length_and_a_strong_validator(self):
        answer, body = self.whole
        self.assertEqual((answer.status, answer.getheader("Accept-Ranges")), (200, "bytes"))
        self.assertEqual(int(answer.getheader("Content-Length")), len(body))
        self.assertRegex(self.etag, r'^"[0-9a-f]+"$')
        self.check_zip(body)
        again, bytes_again = self.ask()
        self.assertEqual((again.getheader("ETag"), bytes_again), (self.etag, body))
        head, nothing = self.ask("HEAD", Range="bytes=0-9")
        self.assertEqual((head.status, head.getheader("ETag"), nothing), (200, self.etag, b""))
        self.assertEqual(head.getheader("Content-Length"), str(len(body)))
        self.assertEqual(self.get(self.server, "/data.tar")[0].getheader("Transfer-Encoding"), "chunked")

    def test_a_range_is_that_part_and_a_wrong_one_the_whole(self):
        body = self.whole[1]
        size = len(body)
        for asked, first, last in (("0-0", 0, 0), ("0-99", 0, 99), (f"{size // 2}-", size // 2, size - 1), ("-50", size - 50, size - 1),
                                   (f"{size - 1}-", size - 1, size - 1), (f"7-{size + 9}", 7, size - 1), (f"-{size + 1}", 0, size - 1),
                                   (f"10-{size - 2}", 10, size - 2), ("5-99999999999999999999", 5, size - 1)):
            answer, part = self.ask(Range=f"bytes={asked}")
            self.assertEqual((answer.status, answer.getheader("Content-Range")), (206, f"bytes {first}-{last}/{size}"), asked)
            self.assertTrue(part == body[first:last + 1], asked)
        for asked in (f"bytes={size}-", "bytes=99999999999999999999-", "bytes=-0"):
            answer, _ = self.ask(Range=asked)
            self.assertEqual((answer.status, answer.getheader("Content-Range")), (416, f"bytes */{size}"), asked)
        for asked in ("bytes=0-1,5-6", "bytes=5-4", "bytes=a-", "bytes=-", "bytes=", "lines=1-2"):
            answer, part = self.ask(Range=asked)
            self.assertEqual((answer.status, len(part)), (200, size), asked)

    def test_validators_are_compared(self):
        self.assertEqual(self.ask(Range="bytes=0-9", If_Range=self.etag)[0].status, 206)
        for other in ('"other"', "W/" + self.etag, "Sun, 06 Nov 1994 08:49:37 GMT"):
            self.assertEqual(self.ask(Range="bytes=0-9", If_Range=other)[0].status, 200, other)
        for known in (self.etag, "*", '"a", ' + self.etag, "W/" + self.etag):
            answer, body = self.ask(If_None_Match=known)
            self.assertEqual((answer.status, answer.getheader("ETag"), body), (304, self.etag, b""), known)
        self.assertEqual(self.ask(If_None_Match='"other"')[0].status, 200)

    def test_a_download_that_broke_off_is_taken_up_where_it_ended(self):
        with self.server.connect() as client:
            client.sendall(b"GET /data.zip HTTP/1.1\r\n\r\n")
            read_header(client)
            part = b"".join(client.recv(100_000) for _ in range(10))
        answer, rest = self.ask(Range=f"bytes={len(part)}-", If_Range=self.etag)
        self.assertEqual(answer.status, 206)
        self.assertTrue(part + rest == self.whole[1])
        if not shutil.which("curl"):
            return print("no curl here: not tried with it")
        path = pathlib.Path(SCRATCH.name) / "resumed.zip"
        path.write_bytes(part)
        subprocess.run(["curl", "-sSf", "-C", "-", "-o", path, f"http://127.0.0.1:{self.server.port}/data.zip"], check=True)
        self.assertTrue(path.read_bytes() == self.whole[1])

    def test_what_changes_while_it_is_sent_never_comes_to_its_end(self):
        behind = self.whole[1].index(FILES["data/many/199"]) + len(FILES["data/many/199"])
        for headers in (b"", b"Range: bytes=100-\r\n", b"Range: bytes=0-%d\r\n" % behind):
            etag = self.ask("HEAD")[0].getheader("ETag")
            with self.server.connect(receive_bytes=4096) as client:
                client.sendall(b"GET /data.zip HTTP/1.1\r\n" + headers + b"\r\n")
                announced = int(re.search(rb"Content-Length: (\d+)", read_header(client))[1])
                file = ROOT / "data/many/199"  # behind a file larger than what is under way by now
                file.write_bytes(bytes(255 - byte for byte in file.read_bytes()))
                self.assertLess(len(read_to_end(client)[0]), announced, headers)
            self.assertNotEqual(self.ask("HEAD")[0].getheader("ETag"), etag)
            FILES["data/many/199"] = file.read_bytes()
        self.check_zip(self.ask()[1])


class Ends(ServerTest):
    def test_clients_that_leave_midway_leave_nothing_behind(self):
        server = self.serve()
        server.raw(b"GET /data.zip HTTP/1.1\r\nConnection: close\r\n\r\n")
        server.idle_usage()
        before = server.descriptors()
        for _ in range(20):
            with server.connect(receive_bytes=4096) as client:
                client.sendall(b"GET /data.zip HTTP/1.1\r\n\r\n")
                self.assertEqual(client.recv(12), b"HTTP/1.1 200")
        now = server.idle_usage()
        self.assertEqual((now["used"], now["committed"], now["connections"], now["descriptors"]), (0, 0, 0, 0))
        self.assertEqual(server.descriptors(), before)

    def test_a_signal_ends_it_with_status_0_also_while_it_sends(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server = self.serve()
            with server.connect(receive_bytes=4096) as client, server.connect() as idle:
                client.sendall(b"GET /data.zip HTTP/1.1\r\n\r\n")
                client.recv(100)
                self.assertEqual(server.stop(number), 0)
                self.assertNotIn(b"\r\n0\r\n\r\n", read_to_end(client)[0])
                self.assertEqual(read_to_end(idle)[0], b"")

    def test_what_cannot_be_started_says_why(self):
        def run(*arguments):
            return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run("--help").returncode, 0)
        self.assertEqual(run().returncode, 2)
        self.assertIn("No such file", run("/nowhere/at/all").stderr)
        server = self.serve()
        self.assertIn("Address already in use", run("--listen", f"127.0.0.1:{server.port}", str(ROOT)).stderr)

    def test_the_soft_limit_of_descriptors_is_raised(self):
        server = self.serve()
        limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
        soft, hard = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]
        self.assertEqual(soft, hard)


if __name__ == "__main__":
    unittest.main()
