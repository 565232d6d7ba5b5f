from __future__ import annotations

from apps.runtime.errors import Conflict, UserFault


class LastAdministrator(Conflict):
    code = "accounts.last-administrator"
    sentence = "{name} is the last administrator who can sign in. Make somebody else an administrator first."


class UsernameTaken(UserFault):
    code = "accounts.username.taken"
    sentence = "The user name {username} is taken. Choose another one."


class SetupClosed(Conflict):
    code = "accounts.setup.closed"
    sentence = "The first administrator exists already. Sign in, or ask them for an account."
