"""The bench: what postroad does, beside what others do, on the same machine and in the same run.

``python -m benchmarks [NAME…] [--quick] [--json] [--strict]``
"""
