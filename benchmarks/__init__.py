"""Measurements that anybody can repeat; each prints ratios from one run."""
