"""Owns the server's settings as one frozen value; each field is an option of the command line."""

from dataclasses import dataclass

PROFILES = {"v24": 24, "v25": 25, "v26": 26}
NEWEST_VERSION = 26


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the server behaves, apart from the world that it serves."""

    seed: int = 7
    profile: int = 25
    """The version whose behaviour is imitated (graph-api.md 0.3); older versions are dead."""
    latency_seconds: float = 0.0
    """Real seconds that every answer waits."""
    run_seconds: float = 1.5
    """Sandbox seconds of a report run without rows."""
    quota_scale: float = 1.0
    """Factor on every allowance."""
    score_scale: float | None = None
    """Factor on the ad-account score alone; quota_scale when None."""
    tier: str = "standard_access"
    """Access tier as headers name it: standard_access or development_access."""
    platform_rate: float = 0.0
    """Heavy insights calls a second for the whole app; 0 is no limit."""
    score_error: str = "17"
    """Which error a full ad-account score gives: 17 or 613."""
    app_secret: str = ""
    require_proof: bool = False
    file_lines: int = 60
    """About so many impressions in a part of an hourly file, unless the scenario says so."""
    file_parts: int = 2
    """About so many parts in an hour."""
    file_url_seconds: float = 3_600.0
    """Sandbox seconds for which a signed address opens."""
    safety_scale: float | None = None
    """Factor on the allowance of brand-safety calls alone; quota_scale when None."""
    sync_row_limit: int = 50_000
    async_row_limit: int = 1_000_000
