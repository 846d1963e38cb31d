"""The desk at which people verify what digitd is not sure of."""
