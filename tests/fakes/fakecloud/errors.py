# SPDX-License-Identifier: Apache-2.0
"""Errors as the AWS JSON 1.1 protocol gives them: a code, a message, an HTTP status."""


class AwsError(Exception):
    """`modelled` errors of the service say "Message", the common ones of all services "message"."""

    def __init__(self, code, message, status=400, modelled=True, **members):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status
        self.modelled, self.members = modelled, members

    def body(self):
        return {"__type": self.code, "Message" if self.modelled else "message": self.message, **self.members}


def common(code, message, status):
    return AwsError(code, message, status, modelled=False)


def invalid_input(message):
    return AwsError("InvalidInput", message)
