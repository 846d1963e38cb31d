"""Where batches are read. A pool takes batches of jobs and gives back what became of each.

`messages` is what crosses, `halving` finds the scan that kills its reader, `local` runs worker
processes on this machine, and `worker` is what runs inside one.
"""
