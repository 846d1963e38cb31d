"""Building, training, evaluating and exporting the network: all that needs TensorFlow."""

from digitd.training.run import Summary, train

__all__ = ["Summary", "train"]
