"""Receives CloudEvents with the official SDK and prints each as a line of JSON."""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_http_event


def told(event, mode):
    data = event.get_data()
    if isinstance(data, (bytes, bytearray)):
        data = {"base64": base64.b64encode(data).decode("ascii")}
    attributes = {name: str(value) for name, value in event.get_attributes().items()}
    return {"mode": mode, "attributes": attributes, "data": data}


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_structured = headers.get("content-type", "").startswith("application/cloudevents")
        try:
            event = from_http_event(HTTPMessage(headers, body))
            line, status = told(event, "structured" if is_structured else "binary"), 204
        except Exception as error:  # whatever the SDK finds wrong is to be seen
            line, status = {"error": repr(error)}, 400
        print(json.dumps(line), flush=True)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(json.dumps({"port": server.server_address[1]}), flush=True)
server.serve_forever()
