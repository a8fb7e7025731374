"""Owns what was refused for good during a run: nothing more is sent that depends on it."""

from dataclasses import dataclass, field

from connectors.errors import Blocked, Fault, PermissionRefused, TokenRefused, VersionDead


@dataclass(slots=True)
class Refusals:
    """The refused token, the refused accounts with their faults, and the families that may not be read at all.

    `ending` is a fault after which nothing at all may be sent: a block for abuse, a version that is gone.
    """

    token: TokenRefused | None = None
    ending: Blocked | VersionDead | None = None
    accounts: dict[str, Fault] = field(default_factory=dict)
    families: dict[str, Fault] = field(default_factory=dict)

    @property
    def whole_families(self) -> bool:
        """Whether a token or permission was refused that a whole family depends on."""
        return self.token is not None or bool(self.families)

    def of(self, account: str) -> Fault | None:
        """Why nothing is sent for this account; None if it may be asked."""
        return self.token or self.ending or self.accounts.get(account)

    def learn(self, account: str, fault: Exception) -> None:
        """Remembers a fault that is not about one question alone: a refusal of an account costs one call."""
        if isinstance(fault, TokenRefused):
            self.token = fault
        elif isinstance(fault, Blocked | VersionDead):
            self.ending = fault
        elif isinstance(fault, PermissionRefused):
            self.accounts[account] = fault
