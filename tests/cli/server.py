"""usage: server.py ROOT     a web server on 127.0.0.1 for tests/cli/fetch.bats.

It writes its port to the file `port` and a line a request, "PATH RANGE STATUS", to `requests`.  A
path is /HOW/FILE, of FILE under ROOT:

    plain      as servers do, with ranges
    norange    ranges are not known: the whole, whatever was asked for
    bent       a range is answered with one of a larger file
    cut        the first answer breaks off in the middle; later ones do not
    dead       the first answer breaks off in the middle; later ones say nothing
    hold       half of it; the rest when there is a file `go`
    endless    no length, and more bytes than the file has
    busy       500
    redirect   302 to plain
    away       302 to a file of this machine

As a proxy it takes the same paths of any host.
"""
import http.server
import os
import sys
import time
import urllib.parse

ROOT = sys.argv[1]
seen = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        with open("requests", "a") as file:
            file.write(f"{self.path} {self.headers.get('Range', '-')} {status}\n")

    def answer(self, status, headers, body=b"", upto=None):
        self.note(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[:upto])
        self.wfile.flush()
        self.close_connection = True

    def hold(self, headers, body):
        self.answer(200, headers, body, len(body) // 2)
        with open("held", "w"):
            pass
        while not os.path.exists("go"):
            time.sleep(0.01)
        self.wfile.write(body[len(body) // 2:])

    def do_GET(self):
        _, how, name = urllib.parse.urlsplit(self.path).path.split("/", 2)
        if how == "redirect":
            return self.answer(302, {"Location": f"/plain/{name}", "Content-Length": "0"})
        if how == "away":
            return self.answer(302, {"Location": "file:///etc/passwd", "Content-Length": "0"})
        if how == "busy" or not os.path.exists(f"{ROOT}/{name}"):
            status = 500 if how == "busy" else 404
            return self.answer(status, {"Content-Length": "5"}, b"none\n")
        with open(f"{ROOT}/{name}", "rb") as file:
            body = file.read()
        first = how not in seen
        seen.add(how)
        if how == "dead" and not first:
            self.note("-")
            self.close_connection = True
            return None
        if how == "endless":
            return self.answer(200, {}, body + body)
        status, headers, whole = 200, {}, len(body)
        if self.headers.get("Range") and how != "norange":
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            status, total = 206, whole + (how == "bent")
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            body = body[start:] + bytes(total - whole)
        headers["Content-Length"] = str(len(body))
        if how == "hold":
            return self.hold(headers, body)
        broken = how in ("cut", "dead") and first
        return self.answer(status, headers, body, len(body) // 2 if broken else None)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open("port.new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename("port.new", "port")
server.serve_forever()
