"""What all tests share: how hypothesis searches."""

from hypothesis import HealthCheck, settings

# No example is timed: the machine may be busy with other work.
settings.register_profile("gonerd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gonerd")
