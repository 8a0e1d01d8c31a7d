# SPDX-License-Identifier: AGPL-3.0-only
"""`make bench`: the reference against its peers, side by side."""
