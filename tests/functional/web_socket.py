# SPDX-License-Identifier: MIT
"""A WebSocket client (RFC 6455) and a reader of server-sent events, from the standard library only:
what shares no code with the server can't share its mistakes."""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import socket
import struct
import time

from framework import PATIENCE

CONTINUATION, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    def __init__(self, status, headers):
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.headers = headers


class Closed(Exception):
    """The server closed: its code, None if it just left."""

    def __init__(self, code=None):
        super().__init__(f"closed with {code}")
        self.code = code


def basic(user_and_password):
    return base64.b64encode(user_and_password.encode()).decode()


def cookie(node):
    with open(os.path.join(node.chain_directory, ".cookie"), encoding="utf-8") as file:
        return file.read().strip()


class WebSocket:
    """Calls, and the notifications that came meanwhile."""

    def __init__(self, node, credentials=None, headers=(), path="/"):
        self.node = node
        self.told = []
        self.pings = 0  # that were answered
        self._replies = {}
        self._last_id = 0
        self._buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", node.rpc_port), timeout=PATIENCE)
        self._upgrade(credentials, headers, path)

    def _upgrade(self, credentials, headers, path):
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.node.rpc_port}",
                 "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + key.decode(), *headers]
        if credentials != "":
            lines.append("Authorization: Basic " + basic(credentials or cookie(self.node)))
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        status, *fields = head.decode().split("\r\n")
        fields = {name.lower(): value for name, value in
                  (field.split(": ", 1) for field in fields)}
        if status.split()[1] != "101":
            raise Refused(int(status.split()[1]), fields)
        wanted = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        assert fields["sec-websocket-accept"] == wanted, fields

    def _more(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed()
        self._buffer += data

    def _take(self, count):
        while len(self._buffer) < count:
            self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def send_frame(self, opcode, payload, fin=True, masked=True):
        length = len(payload)
        size = bytes([length]) if length < 126 else struct.pack(
            ">BH", 126, length) if length < 1 << 16 else struct.pack(">BQ", 127, length)
        mask = os.urandom(4) if masked else b""
        size = bytes([size[0] | (0x80 if masked else 0)]) + size[1:]
        if masked and length:
            key = (mask * (length // 4 + 1))[:length]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(
                length, "big")
        self.socket.sendall(bytes([opcode | (0x80 if fin else 0)]) + size + mask + payload)

    def _read_one_frame(self, pause):
        """(final, opcode, payload); it takes `pause` seconds for each 256 KB."""
        first, second = self._take(2)
        assert not second & 0x80, "the server doesn't mask"
        length = second
        if length == 126:
            length = struct.unpack(">H", self._take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8))[0]
        time.sleep(pause * length / (1 << 18))
        return bool(first & 0x80), first & 0x0f, self._take(length)

    def read_frame(self, pause=0):
        """(opcode, payload) of the next message, put together; pings are answered."""
        begun = None
        pieces = []
        while True:
            final, opcode, payload = self._read_one_frame(pause)
            if opcode == PING:
                self.pings += 1
                with contextlib.suppress(ConnectionError):  # what is left to read tells why
                    self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                raise Closed(struct.unpack(">H", payload[:2])[0] if payload else 1005)
            else:
                assert (opcode == CONTINUATION) == (begun is not None), opcode
                begun = begun or opcode
                pieces.append(payload)
                if final:
                    return begun, b"".join(pieces)

    def take_pings(self, count):
        """Answer so many, with no other news."""
        wanted = self.pings + count
        while self.pings < wanted:
            final, opcode, payload = self._read_one_frame(0)
            assert final and opcode == PING, opcode
            self.pings += 1
            self.send_frame(PONG, payload)

    def _read_message(self):
        """The next message, put where it belongs."""
        opcode, payload = self.read_frame()
        assert opcode == TEXT, opcode
        message = json.loads(payload)
        if isinstance(message, dict) and "id" not in message:
            self.told.append((message["method"], message["params"]))
        else:
            key = message[0]["id"] if isinstance(message, list) else message["id"]
            self._replies[key] = message

    def begin(self, method, *params):
        """Send a request; its number is for reply()."""
        self._last_id += 1
        self.send_frame(TEXT, json.dumps({"jsonrpc": "2.0", "id": self._last_id, "method": method,
                                          "params": params}).encode())
        return self._last_id

    def reply(self, number):
        while number not in self._replies:
            self._read_message()
        return self._replies.pop(number)

    def call(self, method, *params):
        answer = self.reply(self.begin(method, *params))
        assert "error" not in answer, answer
        return answer["result"]

    def news(self, count, method=None):
        """The next `count` notifications, of one method if it is given (others are left out)."""
        found = []
        while len(found) < count:
            while not self.told:
                self._read_message()
            name, params = self.told.pop(0)
            if method in (None, name):
                found.append((name, params) if method is None else params)
        return found

    def close(self):
        self.socket.close()


class EventStream:
    """A GET of /events."""

    def __init__(self, node, query, credentials=None, headers=None):
        self._connection = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=PATIENCE)
        fields = dict(headers or {})
        if credentials != "":
            fields["Authorization"] = "Basic " + basic(credentials or cookie(node))
        self._connection.request("GET", "/events" + query, headers=fields)
        self._reply = self._connection.getresponse()
        self.headers = self._reply.headers
        if self._reply.status != 200:
            raise Refused(self._reply.status, self._reply.headers)

    def news(self, count):
        """The next events as (id, name, data)."""
        found = []
        event = {}
        while len(found) < count:
            line = self._reply.readline()
            if not line:
                raise Closed()
            line = line.decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if line:
                name, value = line.split(": ", 1)
                event[name] = value
            elif "data" in event:
                found.append((event.get("id"), event["event"], json.loads(event["data"])))
                event = {}
        return found

    def close(self):
        self._connection.close()
