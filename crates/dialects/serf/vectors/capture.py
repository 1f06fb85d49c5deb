#!/usr/bin/env python3
"""A plain UDP and TCP peer that writes down what a Go `serf agent` sends to it.

capture.py OUT-DIRECTORY: needs /usr/bin/serf; listens on 127.0.0.1 only."""
import os, socket, struct, subprocess, sys, threading, time

OUT = sys.argv[1]
KEY = "AAECAwQFBgcICQoLDA0ODw=="  # bytes 0..15

def st(text):
    data = text if isinstance(text, bytes) else text.encode()
    return (bytes([0xa0 | len(data)]) if len(data) < 32 else b"\xda" + struct.pack(">H", len(data))) + data

def node(name, port, state=0):
    meta = b"\xff\x80"
    return (b"\x87" + st("Addr") + st(b"\x7f\0\0\1") + st("Incarnation") + b"\x01" + st("Meta") + st(meta)
            + st("Name") + st(name) + st("Port") + b"\xcd" + struct.pack(">H", port)
            + st("State") + bytes([state]) + st("Vsn") + st(bytes([1, 5, 2, 2, 5, 5])))

def push_pull(port):
    return (b"\x06\x83" + st("Join") + b"\xc3" + st("Nodes") + b"\x01" + st("UserStateLen") + b"\x00"
            + node("py", port))

class Capture:
    def __init__(self, name):
        self.name, self.lines, self.seen = name, [], {}
    def add(self, kind, data, most=4):
        self.seen[kind] = self.seen.get(kind, 0) + 1
        if self.seen[kind] <= most:
            self.lines.append(f"{kind} {data.hex()}")
    def write(self):
        with open(f"{OUT}/{self.name}.txt", "w") as f:
            f.write(f"# {self.name}: from `serf agent` 0.9.4 (Debian), taken by capture.py\n" + "\n".join(self.lines) + "\n")

def serf(*args):
    subprocess.run(["serf", *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)

def scenario(name, base, flags):
    cap = Capture(name)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", base + 1)); udp.settimeout(0.2)
    tcp = socket.socket(); tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", base + 1)); tcp.listen(); tcp.settimeout(0.2)
    stop = threading.Event()
    rpc = f"127.0.0.1:{base + 2}"
    agent = subprocess.Popen(["serf", "agent", "-node=a", f"-bind=127.0.0.1:{base}", f"-rpc-addr={rpc}",
        "-profile=local", "-tag", "role=web", "-tag", "dc=x", "-event-handler=query:load=echo 0.42", *flags],
        stdout=open(f"{OUT}/{name}.log", "w"), stderr=subprocess.STDOUT)
    encrypted = False
    def udp_loop():
        while not stop.is_set():
            try: data, peer = udp.recvfrom(65536)
            except socket.timeout: continue
            kind = "sealed" if encrypted else {0x0c: "crc", 0x00: "ping", 0x07: "compound", 0x09: "compress", 0x01: "indirect"}.get(data[0], f"type{data[0]:02x}")
            cap.add("udp_" + kind, data, 12)
            if not encrypted and data[0] == 0 and b"SeqNo" in data:
                at = data.index(b"SeqNo") + 5
                n = {0xcc: 2, 0xcd: 3, 0xce: 5}.get(data[at], 1)
                udp.sendto(b"\x02\x82" + st("Payload") + b"\xc0" + st("SeqNo") + data[at:at + n], peer)
    def tcp_loop():
        while not stop.is_set():
            try: conn, _ = tcp.accept()
            except socket.timeout: continue
            conn.settimeout(0.5); data = b""
            try:
                while True:
                    more = conn.recv(65536)
                    if not more: break
                    data += more
            except socket.timeout: pass
            if data: cap.add("tcp_in", data, 3)
            conn.close()
    threads = [threading.Thread(target=f, daemon=True) for f in (udp_loop, tcp_loop)]
    [t.start() for t in threads]
    def wait():
        for _ in range(100):
            try: socket.create_connection(("127.0.0.1", base), 0.2).close(); return
            except OSError: time.sleep(0.05)
    wait()
    def exchange(kind, data):
        conn = socket.create_connection(("127.0.0.1", base)); conn.settimeout(1.0); conn.sendall(data)
        got = b""
        try:
            while True:
                more = conn.recv(65536)
                if not more: break
                got += more
        except socket.timeout: pass
        conn.close()
        if got: cap.add(kind, got)
    if not encrypted:
        exchange("tcp_push_pull", push_pull(base + 1))
        exchange("tcp_ack", b"\x00\x82" + st("Node") + st("a") + st("SeqNo") + b"\x5a")
        udp.sendto(b"\x00\x82" + st("Node") + st("a") + st("SeqNo") + b"\x4d", ("127.0.0.1", base))
        udp.sendto(b"\x01\x85" + st("Nack") + b"\xc3" + st("Node") + st("zz") + st("Port") + b"\xcd\x00\x09"
                   + st("SeqNo") + b"\x50" + st("Target") + st(b"\x7f\0\0\1"), ("127.0.0.1", base))
    exchange("tcp_error", b"\x63garbage" if encrypted else b"\x09\xc1")
    serf("join", f"-rpc-addr={rpc}", f"127.0.0.1:{base + 1}")
    serf("event", f"-rpc-addr={rpc}", "deploy", "hello-payload")
    serf("event", f"-rpc-addr={rpc}", "-coalesce=false", "restart", "x" * 300)
    serf("query", f"-rpc-addr={rpc}", "-timeout=300ms", "-relay-factor=1", "-tag", "role=w.*", "-node=a", "load", "pl")
    serf("query", f"-rpc-addr={rpc}", "-timeout=300ms", "plain")
    serf("tags", f"-rpc-addr={rpc}", "-set", "canary=true")
    serf("keys", f"-rpc-addr={rpc}", "-list")
    time.sleep(3)
    if not encrypted: exchange("tcp_push_pull_later", push_pull(base + 1))
    serf("leave", f"-rpc-addr={rpc}")
    time.sleep(1)
    agent.terminate(); agent.wait(10); stop.set(); [t.join() for t in threads]
    cap.write()

def encrypted_pair(name, base):
    """Two agents, of which the second is reached through us, so that all to it is written down."""
    cap = Capture(name)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", base + 1)); udp.settimeout(0.2)
    tcp = socket.socket(); tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", base + 1)); tcp.listen(); tcp.settimeout(0.2)
    stop = threading.Event()
    def agent(node, port, *more):
        return subprocess.Popen(["serf", "agent", f"-node={node}", f"-bind=127.0.0.1:{port}", f"-rpc-addr=127.0.0.1:{port + 2}",
            "-profile=local", "-tag", "role=web", f"-encrypt={KEY}", *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    def udp_loop():
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while not stop.is_set():
            try: data, _ = udp.recvfrom(65536)
            except socket.timeout: continue
            cap.add("udp_sealed", data, 12); out.sendto(data, ("127.0.0.1", base + 4))
    def tcp_loop():
        while not stop.is_set():
            try: a, _ = tcp.accept()
            except socket.timeout: continue
            b = socket.create_connection(("127.0.0.1", base + 4)); got = {}
            def pump(x, y, way):
                got[way] = b""
                try:
                    while True:
                        more = x.recv(65536)
                        if not more: break
                        got[way] += more; y.sendall(more)
                except OSError: pass
                try: y.shutdown(socket.SHUT_WR)
                except OSError: pass
            both = [threading.Thread(target=pump, args=z, daemon=True) for z in ((a, b, "tcp_sealed_in"), (b, a, "tcp_sealed_answer"))]
            [t.start() for t in both]; [t.join(5) for t in both]
            for way in got:
                if got[way]: cap.add(way, got[way])
            a.close(); b.close()
    threads = [threading.Thread(target=f, daemon=True) for f in (udp_loop, tcp_loop)]
    [t.start() for t in threads]
    first, second = agent("a", base), agent("b", base + 4, f"-advertise=127.0.0.1:{base + 1}")
    time.sleep(1.5)
    serf("join", f"-rpc-addr=127.0.0.1:{base + 2}", f"127.0.0.1:{base + 1}")
    serf("event", f"-rpc-addr=127.0.0.1:{base + 2}", "deploy", "hello-payload")
    serf("keys", f"-rpc-addr=127.0.0.1:{base + 2}", "-list")
    time.sleep(2)
    serf("leave", f"-rpc-addr=127.0.0.1:{base + 2}")
    time.sleep(1)
    for process in (first, second): process.terminate(); process.wait(10)
    stop.set(); [t.join() for t in threads]
    cap.write()

def rpc_proxy(name, base):
    """The `serf` command and its agent, with both directions written down."""
    lines = []
    agent = subprocess.Popen(["serf", "agent", "-node=a", f"-bind=127.0.0.1:{base}", f"-rpc-addr=127.0.0.1:{base + 2}",
        "-profile=local", "-tag", "role=web", f"-encrypt={KEY}", "-tag", "long=" + "y" * 100, "-event-handler=query:load=echo 0.42"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    listener = socket.socket(); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", base + 3)); listener.listen()
    commands = [["members"], ["members", "-status=alive", "-tag", "role=web"], ["event", "deploy", "pl"], ["query", "-timeout=300ms", "load", "pl"],
        ["tags", "-set", "a=b", "-delete", "zz"], ["keys", "-list"], ["keys", "-install", "HvY8ubRZMgafUOWvrOadwOckVa1wN3QWAo46FVKbVN8="],
        ["info"], ["rtt", "a"], ["force-leave", "zz"], ["reachability"], ["join", f"127.0.0.1:{base}"], ["monitor"], ["leave"]]
    for command in commands:
        p = subprocess.Popen(["serf", command[0], f"-rpc-addr=127.0.0.1:{base + 3}", *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", base + 2))
        both = {}
        def pump(a, b, way):
            data = b""
            try:
                while True:
                    more = a.recv(65536)
                    if not more: break
                    data += more; b.sendall(more)
            except OSError: pass
            both[way] = data
            try: b.shutdown(socket.SHUT_WR)
            except OSError: pass
        threads = [threading.Thread(target=pump, args=x, daemon=True) for x in ((client, server, "request"), (server, client, "answer"))]
        [t.start() for t in threads]
        if command[0] == "monitor":
            time.sleep(0.3); serf("event", f"-rpc-addr=127.0.0.1:{base + 2}", "seen", "by-monitor"); time.sleep(0.5); p.terminate()
        p.wait(20); client.close(); server.close(); [t.join(2) for t in threads]
        for way in ("request", "answer"):
            lines.append(f"{command[0]}_{way} {both.get(way, b'').hex()}")
    agent.terminate(); agent.wait(10)
    with open(f"{OUT}/{name}.txt", "w") as f:
        f.write(f"# {name}: `serf` 0.9.4 (Debian) and its agent, both directions, taken by capture.py\n" + "\n".join(lines) + "\n")

os.makedirs(OUT, exist_ok=True)
jobs = [threading.Thread(target=f, args=a) for f, a in (
    (scenario, ("plain", 28100, [])), (scenario, ("uncompressed", 28110, ["-disable-compression"])),
    (encrypted_pair, ("encrypted", 28140)), (rpc_proxy, ("rpc", 28130)))]
[j.start() for j in jobs]; [j.join() for j in jobs]
