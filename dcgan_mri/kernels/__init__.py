"""Faster ways to compute what Chainer's own functions compute; `backends` chooses, the links stay Chainer's."""
