"""The port that Prometheus fetches the metrics from: one request at a time, so no caller can make digitd grow."""

import socket
import socketserver
import threading
from typing import Any

from prometheus_client import MetricsHandler
from prometheus_client.registry import Collector

from digitd import log

REQUEST_SECONDS = 5.0
"""Who says nothing for so long is hung up on."""
LOOK_SECONDS = 0.5
"""How long it may take until a server that was stopped takes no more requests."""


class Server(socketserver.TCPServer):
    """Serves at once, in a thread of its own. OSError where the address cannot be listened at."""

    allow_reuse_address = True

    def __init__(self, address: str, port: int, registry: Collector) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.address = (address, port)
        # prometheus_client's own server would start a thread a request, and ask for this machine's name.
        handler = type("Handler", (MetricsHandler,), {"registry": registry, "timeout": REQUEST_SECONDS})
        super().__init__(self.address, handler)
        threading.Thread(target=self.serve_forever, args=(LOOK_SECONDS,), name="digitd-metrics", daemon=True).start()

    def stop(self) -> None:
        """Serve no more. It does not wait for a caller who takes his time."""
        threading.Thread(target=self._end, name="digitd-metrics-end", daemon=True).start()

    def _end(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is no matter."""
        log.get().debug("metrics_request_failed", exc_info=True)
