"""What the daemon counts, and how it stands, as Prometheus' metrics. Pure."""

import platform
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from digitd import __version__, names
from digitd.standing import Standing
from digitd.tally import Histogram, Tally

MODES = ("native", "polling")


class Page(Collector):
    """The metrics as they were last taken: put there by one thread, rendered by any."""

    def __init__(self) -> None:
        self.families: list[Metric] = []
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self.families

    def text(self) -> bytes:
        """In Prometheus' text format, which node_exporter takes too."""
        return generate_latest(self.registry)


def families(tally: Tally, standing: Standing, labels: Mapping[str, str]) -> list[Metric]:
    """Every metric, each with LABELS besides its own."""
    found = [*_counted(tally), *_standing(standing, tally)]
    if labels:
        for family in found:
            family.samples = [sample._replace(labels={**labels, **sample.labels}) for sample in family.samples]
    return found


def _counted(tally: Tally) -> Iterator[Metric]:
    yield _counter("scans", "Scans whose results were published, and which were filed.", "status", tally.published)
    yield _counter("scan_reasons", "Scans that failed or went to review, by reason.", "reason", tally.reasons)
    yield _histogram("scan_latency", "From when a scan was whole until it was published and filed.", tally.latency)
    yield _histogram("batch_duration", "Time that a worker took for a batch.", tally.batches)
    yield _counter("workers_lost", "Workers that had to be replaced.", "cause", tally.lost)
    yield CounterMetricFamily(
        "digitd_delivery_pauses", "How often results could not be written, and reading stopped.", tally.pauses
    )


def _standing(standing: Standing, tally: Tally) -> Iterator[Metric]:
    now = standing.now
    yield _gauge("scans_waiting", "Scans that are known to wait.", standing.waiting)
    yield _gauge("scans_waiting_more", "Whether more scans wait in the inbox than are known.", standing.more_waiting)
    oldest = 0.0 if standing.oldest is None else max(0.0, now - standing.oldest)
    yield _gauge("oldest_waiting_seconds", "Age of the scan that is read next; 0 where none waits.", oldest)
    yield _gauge("scans_in_hand", "Scans that are being read or delivered.", standing.in_hand)
    yield _gauge(
        "scans_undelivered", "Scans that were read, and wait to be recorded or published.", standing.undelivered
    )
    yield _gauge("delivery_paused", "Whether results cannot be written.", standing.paused)
    yield _gauge(
        "config_last_reload_successful",
        "Whether the last reload, if there was one, was not refused.",
        standing.reloaded,
    )
    yield _gauge("inbox_watched", "Whether the inbox is watched.", standing.mode is not None)
    modes = {mode: int(mode == standing.mode) for mode in MODES}
    yield _gauges("watcher_mode", "How the inbox is watched: 1 for the mode in use.", "mode", modes)
    yield _gauges("workers", "Worker processes.", "state", standing.workers)
    yield _gauges(
        "resident_memory_bytes", "Memory of the main process, and of all workers.", "process", standing.memory
    )
    yield _gauge("journal_size_bytes", "Size of the journal's files.", standing.journal_bytes)
    free = {name: room.free_bytes for name, room in standing.rooms.items()}
    yield _gauges("disk_free_bytes", "Room on the folder's file system.", "folder", free)
    total = {name: room.total_bytes for name, room in standing.rooms.items()}
    yield _gauges("disk_size_bytes", "Size of the folder's file system.", "folder", total)
    inodes = {name: room.free_inodes for name, room in standing.rooms.items() if room.free_inodes is not None}
    yield _gauges("disk_free_inodes", "Files that may still be made on the folder's file system.", "folder", inodes)
    yield _gauge("start_time_seconds", "When digitd was started, since 1970.", standing.started)
    yield _gauge("heartbeat_timestamp_seconds", "When these figures were taken, since 1970.", now)
    published = tally.last_published or 0.0
    yield _gauge(
        "last_published_timestamp_seconds", "When a result was last published, since 1970; 0: not yet.", published
    )
    model = standing.model
    build = {"version": __version__, "python": platform.python_version(), "engine": standing.engine}
    # Whoever made the bundle named it; what is no text would break the whole page.
    build |= {"model": names.printable(model.name), "model_version": names.printable(model.version)}
    build |= {"model_sha256": model.sha256}
    yield InfoMetricFamily("digitd_build", "What runs, and which model reads.", build)


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(f"digitd_{name}", told, value)


def _gauges(name: str, told: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(GaugeMetricFamily(f"digitd_{name}", told, labels=[label]), values)


def _counter(name: str, told: str, label: str, values: Mapping[str, int]) -> Metric:
    return _labelled(CounterMetricFamily(f"digitd_{name}", told, labels=[label]), values)


def _labelled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]) -> Metric:
    for label, value in values.items():
        family.add_metric([label], value)
    return family


def _histogram(name: str, told: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(
        f"digitd_{name}_seconds",
        told,
        buckets=[(_bound(bound), count) for bound, count in histogram.cumulative()],
        sum_value=histogram.sum,
    )


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else f"{bound}"


def names_of(found: Iterable[Metric]) -> set[str]:
    """The names by which Prometheus knows these metrics."""
    suffix = {"counter": "_total", "info": "_info"}
    return {family.name + suffix.get(family.type, "") for family in found}
